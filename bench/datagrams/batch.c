#define _GNU_SOURCE 1
#include "bench/datagrams/batch.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

static uint8_t room[RECEIVER_BATCH][DATAGRAM_ROOM_BYTES] __attribute__((aligned(64)));
static uint8_t answers[RECEIVER_BATCH][DATAGRAM_ANSWER_BYTES];
static struct sockaddr_storage from[RECEIVER_BATCH];
static struct iovec in_part[RECEIVER_BATCH], out_part[RECEIVER_BATCH];
static struct mmsghdr in[RECEIVER_BATCH], out[RECEIVER_BATCH];

static void prepare(void)
{
    for (int i = 0; i < RECEIVER_BATCH; i++) {
        in_part[i] = (struct iovec){room[i], sizeof room[i]};
        out_part[i] = (struct iovec){answers[i], sizeof answers[i]};
        in[i].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_iov = &in_part[i], .msg_iovlen = 1};
        out[i].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_iov = &out_part[i], .msg_iovlen = 1};
        in[i].msg_hdr.msg_namelen = sizeof from[i];
        numbered_fill(answers[i], sizeof answers[i]);
    }
}

static void send_answers(struct receiver_link *l, int count)
{
    for (int sent = 0; sent < count;) {
        int n = sendmmsg(l->fd, out + sent, (unsigned)(count - sent), MSG_NOSIGNAL);
        if (n <= 0) {
            l->unanswered += (uint64_t)(count - sent);
            return;
        }
        sent += n;
    }
}

int batch_receive(struct receiver_link *l, int flags)
{
    if (in[0].msg_hdr.msg_iov == NULL)
        prepare();
    int n = recvmmsg(l->fd, in, RECEIVER_BATCH, flags, NULL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    for (int i = 0; i < n; i++) {
        receiver_take(l, room[i], in[i].msg_len);
        numbered_set(answers[i], sizeof answers[i], l->last);
        out[i].msg_hdr.msg_namelen = in[i].msg_hdr.msg_namelen;
        in[i].msg_hdr.msg_namelen = sizeof from[i];
    }
    if (l->answers)
        send_answers(l, n);
    return n;
}
