/*
 * What API versions differ in: how long the fixed parts of structures are, which messages and modes are known.
 *
 * Source     TAPI 2.2 reference: the remarks of each structure and message; Platform SDK headers for LINEDEVCAPS at 2.2
 */
#include "client/internal.h"

static const DWORD versions[] = {
    CF_TAPI_VERSION_1_3, CF_TAPI_VERSION_1_4, CF_TAPI_VERSION_2_0, CF_TAPI_VERSION_2_1, CF_TAPI_VERSION_2_2,
};
#define VERSIONS (sizeof versions / sizeof versions[0])

bool cf_version_known(DWORD version)
{
    return version != 0 && cf_version_common(version, version) == version;
}

DWORD cf_version_common(DWORD low, DWORD high)
{
    for (size_t i = VERSIONS; i-- > 0;)
        if (versions[i] <= high)
            return versions[i] >= low ? versions[i] : 0;
    return 0;
}

bool cf_version_hides(DWORD version, DWORD message_id)
{
    switch (message_id) {
    case LINE_APPNEWCALL:
    case LINE_REMOVE:
        return version < CF_TAPI_VERSION_2_0;
    default:
        return false;
    }
}

DWORD cf_version_mode(DWORD version, DWORD state, DWORD mode)
{
    if (version >= CF_TAPI_VERSION_2_0 || (state & LINECALLSTATE_CONNECTED) == 0)
        return mode;
    switch (mode) {
    case LINECONNECTEDMODE_INACTIVEHELD:
        return LINECONNECTEDMODE_INACTIVE;
    case LINECONNECTEDMODE_ACTIVEHELD:
    case LINECONNECTEDMODE_CONFIRMED:
        return LINECONNECTEDMODE_ACTIVE;
    default:
        return mode;
    }
}

static DWORD fixed(DWORD version, size_t before_2_0, size_t since_2_0)
{
    return (DWORD)(version < CF_TAPI_VERSION_2_0 ? before_2_0 : since_2_0);
}

DWORD cf_version_dev_caps(DWORD version)
{
    if (version >= CF_TAPI_VERSION_2_2)
        return sizeof(LINEDEVCAPS);
    return fixed(version, offsetof(LINEDEVCAPS, dwSettableDevStatus), offsetof(LINEDEVCAPS, PermanentLineGuid));
}

DWORD cf_version_address_caps(DWORD version)
{
    return fixed(version, offsetof(LINEADDRESSCAPS, dwPredictiveAutoTransferStates), sizeof(LINEADDRESSCAPS));
}

DWORD cf_version_dev_status(DWORD version)
{
    return fixed(version, offsetof(LINEDEVSTATUS, dwAvailableMediaModes), sizeof(LINEDEVSTATUS));
}

DWORD cf_version_call_info(DWORD version)
{
    return fixed(version, offsetof(LINECALLINFO, dwCallTreatment), sizeof(LINECALLINFO));
}

DWORD cf_version_call_status(DWORD version)
{
    return fixed(version, offsetof(LINECALLSTATUS, dwCallFeatures2), sizeof(LINECALLSTATUS));
}

DWORD cf_version_call_params(DWORD version)
{
    return fixed(version, offsetof(LINECALLPARAMS, dwPredictiveAutoTransferStates), sizeof(LINECALLPARAMS));
}
