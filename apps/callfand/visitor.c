/* Packets to and from whom we do not know. */
#include "apps/callfand/visitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/port.h"

#define LEFTOVER_PACKETS_MAX 16

void cf_visitor_init(struct cf_visitor *visitor, int fd, const struct cf_peer *peer, int64_t now_ns,
                     int64_t hello_ns)
{
    *visitor = (struct cf_visitor){
        .state = CF_VISITOR_SILENT, .fd = fd, .since_ns = now_ns, .deadline_ns = now_ns + hello_ns, .peer = *peer};
}

void cf_visitor_fini(struct cf_visitor *visitor)
{
    if (visitor->fd >= 0)
        close(visitor->fd);
    free(visitor->text);
    *visitor = (struct cf_visitor){.fd = -1};
}

int cf_visitor_hear(struct cf_visitor *visitor, struct cf_hello *ret_hello, size_t *ret_bytes)
{
    uint32_t fds_count = 0;
    *ret_bytes = 0;
    int error = cf_socket_receive(visitor->fd, ret_hello, sizeof *ret_hello, ret_bytes, NULL, 0, &fds_count);
    if (error == -EMSGSIZE ||
        error == -EPROTO) { /* too long, or with descriptors: not a hello, but something to answer */
        *ret_bytes = 0;
        return 0;
    }
    return error == 0 && *ret_bytes == 0 ? -ECONNRESET : error;
}

void cf_visitor_refuse(int fd, int32_t result, const char *text)
{
    struct cf_welcome w = {.magic = CF_HELLO_MAGIC, .result = result, .version = CF_LAYOUT_VERSION};
    snprintf(w.text, sizeof w.text, "%s", text);
    cf_socket_send(fd, &w, sizeof w, NULL, 0); /* who does not read does not learn */
    char byte;
    for (int i = 0; i < LEFTOVER_PACKETS_MAX; i++)
        if (recv(fd, &byte, sizeof byte, MSG_DONTWAIT | MSG_TRUNC) <= 0)
            break;
}

void cf_visitor_tell(struct cf_visitor *visitor, char *text, size_t text_bytes, int64_t deadline_ns)
{
    visitor->state = CF_VISITOR_LISTENS;
    visitor->text = text;
    visitor->text_bytes = text_bytes;
    visitor->sent_bytes = 0;
    visitor->deadline_ns = deadline_ns;
}

bool cf_visitor_send(struct cf_visitor *visitor)
{
    while (visitor->sent_bytes < visitor->text_bytes) {
        size_t left = visitor->text_bytes - visitor->sent_bytes;
        size_t bytes = left < CF_STATUS_PACKET ? left : CF_STATUS_PACKET;
        int error = cf_socket_send(visitor->fd, visitor->text + visitor->sent_bytes, bytes, NULL, 0);
        if (error != 0)
            return error == -EAGAIN;
        visitor->sent_bytes += bytes;
    }
    return false;
}
