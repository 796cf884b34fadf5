/* A monitor in 40 lines: prints every state of every call on the lines of a running callfand. Ends after argv[1] messages. */
#include <callfan/tapi.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what, LONG error)
{
    fprintf(stderr, "%s: %s: %s\n", what, cf_line_error_name(error), cf_line_error_text(error));
    return 1;
}

int main(int argc, char **argv)
{
    HLINEAPP app;
    HLINE line;
    LINEMESSAGE m;
    DWORD devices, version = TAPI_CURRENT_VERSION;
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    long left = argc > 1 ? strtol(argv[1], NULL, 10) : -1;

    LONG error = lineInitializeEx(&app, NULL, NULL, "monitor", &devices, &version, &params);
    if (error != 0)
        return fail("lineInitializeEx", error);
    for (DWORD id = 0; id < devices; id++) { /* the device number comes back with each message of the line */
        if ((error = lineOpen(app, id, &line, version, 0, id, LINECALLPRIVILEGE_MONITOR, 0, NULL)) != 0)
            fail("lineOpen", error);
    }
    while (left != 0 && (error = lineGetMessage(app, &m, 0xFFFFFFFF)) == 0) {
        if (m.dwMessageID != LINE_CALLSTATE)
            continue;
        printf("line %" PRIuPTR " call %016" PRIx64 " %s %s\n", m.dwCallbackInstance, m.hDevice,
               cf_call_state_name((DWORD)m.dwParam1), cf_call_mode_name((DWORD)m.dwParam1, (DWORD)m.dwParam2));
        fflush(stdout);
        left -= left > 0;
        if (m.dwParam1 == LINECALLSTATE_IDLE) /* a handle is ours until we give it back */
            lineDeallocateCall(m.hDevice);
    }
    lineShutdown(app);
    return error == 0 ? 0 : fail("lineGetMessage", error);
}
