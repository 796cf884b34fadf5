/* Fixed-size records over cf_socket_*. */
#include "apps/callfand/channel.h"

#include <errno.h>
#include <unistd.h>

#include "shm/sys_socket.h"

int cf_channel_send(int fd, const struct cf_channel_record *record, const int *fds, uint32_t fds_count)
{
    return cf_socket_send(fd, record, sizeof *record, fds, fds_count);
}

int cf_channel_receive(int fd, struct cf_channel_record *ret_record, int ret_fds[CF_OPEN_FDS], uint32_t *ret_fds_count)
{
    size_t bytes = 0;
    *ret_fds_count = 0;
    int error = cf_socket_receive(fd, ret_record, sizeof *ret_record, &bytes, ret_fds, CF_OPEN_FDS, ret_fds_count);
    if (error != 0)
        return error;
    if (bytes == sizeof *ret_record)
        return 0;
    for (uint32_t i = 0; i < *ret_fds_count; i++)
        close(ret_fds[i]);
    *ret_fds_count = 0;
    return bytes == 0 ? -ECONNRESET : -EPROTO;
}
