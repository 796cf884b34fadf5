/*
 * A descriptor that nobody takes is closed by its receiver, and the close of a TCP socket that lingers over bytes nobody reads takes as long as
 * its maker likes: one packet with such a descriptor kept the door from everybody. Where the kernel can (Linux 6.16) the door's sockets take none.
 */
#define _GNU_SOURCE 1
#include <netinet/in.h>

#include "tests/test_keeper_peer.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

enum { LINGER_S = 90, SOON_MS = 30000 };

static struct daemon d;
static int listener = -1;

static int lingering_socket(void)
{
    static uint8_t load[1 << 20];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    struct linger linger = {.l_onoff = 1, .l_linger = LINGER_S};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &bytes), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    while (send(fd, load, sizeof load, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        ;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    return fd;
}

static bool kernel_can_refuse(void)
{
    int no = 0, fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    bool can = setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof no) == 0;
    close(fd);
    return can;
}

/* Sends it, and then is the last who had it, but for the packet. */
static void send_away(int socket, const void *packet, size_t bytes)
{
    int fd = lingering_socket();
    assert_int_equal(cf_socket_send(socket, packet, bytes, &fd, 1), -EPERM);
    /* Had it gone, the close would be the door's; so it does not linger here. */
    struct linger none = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(fd);
    close(listener);
}

static void descriptors_are_refused_before_and_after_the_welcome(void **state)
{
    (void)state;
    struct peer p;
    struct cf_hello h = test_hello(CF_HELLO_APPLICATION, "lingers");
    if (!kernel_can_refuse())
        skip();
    daemon_start(&d, "");
    int64_t began = test_now_ms();
    int visitor = peer_connect(&d);
    send_away(visitor, &h, sizeof h);
    close(visitor);
    peer_attach(&p, &d, &h);
    send_away(p.socket, "x", 1);
    assert_true(peer_ping(&p));
    peer_close(&p);
    json_object_put(daemon_status(&d));
    assert_true(test_now_ms() - began < SOON_MS);
    daemon_stop(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(descriptors_are_refused_before_and_after_the_welcome)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
