/* See profile.h. */
#include "adapters/modem/profile.h"

#include "callfan/tapi_const.h"

#define ANY (LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP)

const struct cf_modem_profile cf_modem_profiles[CF_MODEM_PROFILES_COUNT] = {
    [CF_MODEM_V250] =
        {
            .name = "v250",
            .init = "ATX4|AT+VCID=1",
            .hang_up = "ATH",
            .hang_up_2 = "ATH0",
            .call_features = ANY,
            .calls_max = 1,
        },
    [CF_MODEM_GSM] =
        {
            .name = "gsm",
            .init = "AT+CMEE=1|AT+CPIN?|AT+CRC=1|AT+CLIP=1|AT+CCWA=1,1|AT+CSSN=1,1|AT+CREG=1|AT+CREG?",
            .hang_up = "AT+CHUP",
            .hang_up_2 = "ATH",
            .call_features = ANY | LINECALLFEATURE_HOLD | LINECALLFEATURE_UNHOLD | LINECALLFEATURE_GENERATEDIGITS,
            .calls_max = 3, /* one active, one on hold, one waiting */
            .lists = true,
            .holds = true,
            .reports = true,
            .registers = true,
            .rejects = true,
            .voice = true,
        },
};
