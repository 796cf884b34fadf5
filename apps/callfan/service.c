#include "apps/callfan/service.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/callfan/tool.h"
#include "shm/hello.h"
#include "shm/port.h"
#include "shm/sys_socket.h"

#define REFUSAL_NS INT64_C(5000000000)

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

/* TAPI's error does not say why somebody is not let in, the refusal does: it is asked for once more. "": it is none. */
static void ask_refusal(const char *socket, char *room, size_t room_bytes)
{
    struct cf_hello hello = {.magic = CF_HELLO_MAGIC, .version = CF_LAYOUT_VERSION, .kind = CF_HELLO_APPLICATION};
    struct cf_welcome w = {0};
    size_t bytes = 0;
    uint32_t fds_count = 0;
    int fds[CF_SOCKET_FDS_MAX], fd;
    *room = '\0';
    if (cf_socket_connect(socket, REFUSAL_NS, &fd) != 0)
        return;
    if (cf_socket_send(fd, &hello, sizeof hello, NULL, 0) == 0 && cf_socket_wait(fd, POLLIN, REFUSAL_NS) == 0 &&
        cf_socket_receive(fd, &w, sizeof w, &bytes, fds, CF_SOCKET_FDS_MAX, &fds_count) == 0 && bytes == sizeof w &&
        w.magic == CF_HELLO_MAGIC && w.result != 0)
        snprintf(room, room_bytes, "%.*s", (int)sizeof w.text, w.text);
    for (uint32_t i = 0; i < fds_count; i++)
        close(fds[i]);
    close(fd);
}

int cf_tool_service_join(struct cf_tool_service *s, const char *socket, const char *name, uint32_t ring_bytes,
                         uint32_t flags)
{
    *s = (struct cf_tool_service){.socket = cf_tool_socket(socket)};
    LONG error = cf_tool_service_try(s, name, ring_bytes, flags);
    char refusal[sizeof((struct cf_welcome *)0)->text + 1] = "";
    if (error == 0)
        return CF_EXIT_OK;
    if (error == LINEERR_OPERATIONFAILED)
        ask_refusal(s->socket, refusal, sizeof refusal);
    if (*refusal != '\0')
        fprintf(stderr, "%s: refused by the service at %s: %s\n", name, s->socket, refusal);
    else if (error == LINEERR_SERVICE_NOT_RUNNING)
        fprintf(stderr,
                "%s: nobody answers at %s: start callfand, or name its socket with --socket or CALLFAN_SOCKET\n", name,
                s->socket);
    else
        fprintf(stderr, "%s: joining the service at %s: %s: %s\n", name, s->socket, cf_line_error_name(error),
                cf_line_error_text(error));
    return CF_EXIT_NO_SERVICE;
}
