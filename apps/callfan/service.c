#include "apps/callfan/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/callfan/tool.h"
#include "shm/hello.h"

const char *cf_tool_socket(const char *option)
{
    const char *variable = getenv("CALLFAN_SOCKET");
    if (option != NULL)
        return option;
    return variable != NULL && *variable != '\0' ? variable : CF_DEFAULT_SOCKET;
}

void cf_tool_complain(const char *command, const char *what, LONG error)
{
    fprintf(stderr, "callfan %s: %s: %s: %s\n", command, what, cf_line_error_name(error), cf_line_error_text(error));
}

LONG cf_tool_service_try(struct cf_tool_service *s, const char *name, uint32_t ring_bytes, uint32_t flags)
{
    struct cf_init_options options = {
        .size = sizeof options, .socket_path = s->socket, .ring_bytes = ring_bytes, .flags = flags};
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    DWORD version = TAPI_CURRENT_VERSION;
    return cf_line_initialize(&s->app, NULL, name, &s->devices, &version, &params, &options);
}

int cf_tool_service_join(struct cf_tool_service *s, const char *socket, const char *name, uint32_t ring_bytes,
                         uint32_t flags)
{
    *s = (struct cf_tool_service){.socket = cf_tool_socket(socket)};
    LONG error = cf_tool_service_try(s, name, ring_bytes, flags);
    if (error == 0)
        return CF_EXIT_OK;
    if (error == LINEERR_SERVICE_NOT_RUNNING)
        fprintf(stderr,
                "%s: nobody answers at %s: start callfand, or name its socket with --socket or CALLFAN_SOCKET\n", name,
                s->socket);
    else
        fprintf(stderr, "%s: joining the service at %s: %s: %s\n", name, s->socket, cf_line_error_name(error),
                cf_line_error_text(error));
    return CF_EXIT_NO_SERVICE;
}
