/* Control sockets: packets and descriptors arrive whole or not at all; a path has one owner. */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/sys_socket.h"

static char folder[64], path[96];
#define SECONDS INT64_C(1000000000)

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/callfan-test-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/socket", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char lock[112];
    snprintf(lock, sizeof lock, "%s.lock", path);
    unlink(path);
    unlink(lock);
    return rmdir(folder);
}

static int open_descriptors(void)
{
    int count = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d) != NULL)
        count++;
    closedir(d);
    return count;
}

static void connected(struct cf_listener *ret_listener, int *ret_client, int *ret_server)
{
    assert_int_equal(cf_socket_listen(path, 0600, (gid_t)-1, ret_listener), 0);
    assert_int_equal(cf_socket_connect(path, SECONDS, ret_client), 0);
    assert_int_equal(cf_socket_wait(ret_listener->fd, POLLIN, 5 * SECONDS), 0);
    assert_int_equal(cf_socket_accept(ret_listener->fd, ret_server), 0);
}

static void packets_keep_their_bounds_and_order(void **state)
{
    (void)state;
    struct cf_listener l;
    int client, server;
    char buffer[64];
    size_t bytes = 0;
    connected(&l, &client, &server);
    assert_int_equal(cf_socket_receive(server, buffer, sizeof buffer, &bytes, NULL, 0, NULL), -EAGAIN);
    assert_int_equal(cf_socket_send(client, "one", 3, NULL, 0), 0);
    assert_int_equal(cf_socket_send(client, "three", 5, NULL, 0), 0);
    assert_int_equal(cf_socket_receive(server, buffer, sizeof buffer, &bytes, NULL, 0, NULL), 0);
    assert_int_equal(bytes, 3);
    assert_memory_equal(buffer, "one", 3);
    assert_int_equal(cf_socket_receive(server, buffer, sizeof buffer, &bytes, NULL, 0, NULL), 0);
    assert_int_equal(bytes, 5);
    close(client);
    assert_int_equal(cf_socket_receive(server, buffer, sizeof buffer, &bytes, NULL, 0, NULL), -ECONNRESET);
    assert_int_equal(cf_socket_send(server, "x", 1, NULL, 0), -ECONNRESET); /* and no SIGPIPE */
    close(server);
    cf_socket_listener_close(&l, path, true);
    assert_true(access(path, F_OK) != 0);
}

static void descriptors_arrive_and_are_closed_on_exec(void **state)
{
    (void)state;
    int pair[2], got[8], pipes[2];
    uint32_t count = 0;
    size_t bytes = 0;
    char buffer[8], byte;
    assert_int_equal(cf_socket_pair(pair), 0);
    assert_int_equal(pipe(pipes), 0);
    int send[8] = {pipes[0], pipes[1], pipes[0], pipes[0], pipes[0], pipes[0], pipes[0], pipes[0]};
    assert_int_equal(cf_socket_send(pair[0], "fds", 3, send, 8), 0);
    assert_int_equal(cf_socket_receive(pair[1], buffer, sizeof buffer, &bytes, got, 8, &count), 0);
    assert_int_equal(bytes, 3);
    assert_int_equal(count, 8);
    assert_int_equal(write(got[1], "z", 1), 1);
    assert_int_equal(read(got[7], &byte, 1), 1);
    assert_int_equal(byte, 'z');
    for (int i = 0; i < 8; i++) {
        assert_true((fcntl(got[i], F_GETFD) & FD_CLOEXEC) != 0);
        close(got[i]);
    }
    assert_int_equal(cf_socket_send(pair[0], "fds", 3, send, 9), -EINVAL);
    close(pipes[0]);
    close(pipes[1]);
    close(pair[0]);
    close(pair[1]);
}

static void what_is_refused_leaves_no_descriptor_open(void **state)
{
    (void)state;
    int pair[2], got[8];
    uint32_t count = 99;
    size_t bytes = 99;
    char buffer[8];
    assert_int_equal(cf_socket_pair(pair), 0);
    int send[4] = {0, 1, 2, pair[0]}, before = open_descriptors();
    assert_int_equal(cf_socket_send(pair[0], "x", 1, send, 4), 0);
    assert_int_equal(cf_socket_receive(pair[1], buffer, sizeof buffer, &bytes, got, 3, &count), -EPROTO);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(cf_socket_send(pair[0], "x", 1, send, 1), 0);
    assert_int_equal(cf_socket_receive(pair[1], buffer, sizeof buffer, &bytes, NULL, 0, NULL), -EPROTO);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(cf_socket_send(pair[0], "longer than eight", 17, send, 4), 0);
    assert_int_equal(cf_socket_receive(pair[1], buffer, sizeof buffer, &bytes, got, 8, &count), -EMSGSIZE);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(cf_socket_send(pair[0], "", 0, send, 4), 0); /* an empty packet is a hang-up */
    assert_int_equal(cf_socket_receive(pair[1], buffer, sizeof buffer, &bytes, got, 8, &count), -ECONNRESET);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(count, 99); /* results only on success */
    assert_int_equal(bytes, 99);
    close(pair[0]);
    close(pair[1]);
}

/* More descriptors than any receiver here asks for, as only a peer with code of its own can send. */
static void a_flood_of_descriptors_is_refused(void **state)
{
    (void)state;
    int pair[2], got[8], flood[64];
    uint32_t count;
    size_t bytes;
    char buffer[8], control[CMSG_SPACE(sizeof flood)];
    struct iovec v = {buffer, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    assert_int_equal(cf_socket_pair(pair), 0);
    int before = open_descriptors();
    memset(control, 0, sizeof control);
    memset(buffer, 1, sizeof buffer);
    memset(flood, 0, sizeof flood);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof flood)};
    memcpy(CMSG_DATA(c), flood, sizeof flood);
    assert_int_equal(sendmsg(pair[0], &m, 0), 1);
    assert_int_equal(cf_socket_receive(pair[1], buffer, sizeof buffer, &bytes, got, 8, &count), -EPROTO);
    assert_int_equal(open_descriptors(), before);
    close(pair[0]);
    close(pair[1]);
}

static void a_path_has_one_owner(void **state)
{
    (void)state;
    struct cf_listener first, second;
    struct stat st;
    assert_int_equal(cf_socket_listen(path, 0620, getgid(), &first), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0620);
    assert_int_equal(cf_socket_listen(path, 0600, (gid_t)-1, &second), -EADDRINUSE);
    int client;
    assert_int_equal(cf_socket_connect(path, SECONDS, &client), 0); /* the first was not disturbed */
    close(client);
    cf_socket_listener_close(&first, path, false);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(cf_socket_connect(path, SECONDS, &client), -ECONNREFUSED);
    assert_int_equal(cf_socket_listen(path, 0600, (gid_t)-1, &second), 0); /* what a dead process left is taken over */
    assert_int_equal(cf_socket_connect(path, SECONDS, &client), 0);
    close(client);
    cf_socket_listener_close(&second, path, true);
    assert_int_equal(cf_socket_connect(path, SECONDS, &client), -ENOENT);
}

static void a_path_stays_owned_while_a_forked_child_lives(void **state)
{
    (void)state;
    struct cf_listener first, second;
    int gate[2];
    char byte;
    assert_int_equal(pipe(gate), 0);
    assert_int_equal(cf_socket_listen(path, 0600, (gid_t)-1, &first), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(gate[1]);
        _exit(read(gate[0], &byte, 1) == 0 ? 0 : 1); /* until the parent lets go */
    }
    cf_socket_listener_close(&first, path, false);
    assert_int_equal(cf_socket_listen(path, 0600, (gid_t)-1, &second), -EADDRINUSE);
    close(gate[1]);
    waitpid(child, NULL, 0);
    assert_int_equal(cf_socket_listen(path, 0600, (gid_t)-1, &second), 0);
    cf_socket_listener_close(&second, path, true);
    close(gate[0]);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    (void)state;
    struct cf_listener l;
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(cf_socket_listen(path, 0600, (gid_t)-1, &l), -EADDRINUSE);
    assert_int_equal(access(path, F_OK), 0);
}

static void bad_paths_are_refused(void **state)
{
    (void)state;
    struct cf_listener l;
    int fd;
    char longer[256];
    memset(longer, 'x', sizeof longer - 1);
    longer[255] = '\0';
    assert_int_equal(cf_socket_listen(longer, 0600, (gid_t)-1, &l), -ENAMETOOLONG);
    assert_int_equal(cf_socket_connect(longer, SECONDS, &fd), -ENAMETOOLONG);
    assert_int_equal(cf_socket_connect("", SECONDS, &fd), -EINVAL);
    assert_int_equal(cf_socket_listen("/nowhere/at/all", 0600, (gid_t)-1, &l), -ENOENT);
}

static void a_wait_ends_with_its_timeout_or_a_hang_up(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(cf_socket_pair(pair), 0);
    assert_int_equal(cf_socket_wait(pair[0], POLLIN, 1000000), -ETIMEDOUT);
    assert_int_equal(cf_socket_wait(pair[0], POLLIN, 0), -ETIMEDOUT);
    close(pair[1]);
    assert_int_equal(cf_socket_wait(pair[0], POLLIN, -1), 0);
    close(pair[0]);
    assert_int_equal(cf_socket_wait(pair[0], POLLIN, 0), -EBADF);
}

static void a_connect_to_a_full_backlog_times_out(void **state)
{
    (void)state;
    struct cf_listener l;
    int clients[200], count = 0, error = 0;
    assert_int_equal(cf_socket_listen(path, 0600, (gid_t)-1, &l), 0);
    while (count < 200 && (error = cf_socket_connect(path, 10000000, &clients[count])) == 0)
        count++;
    assert_int_equal(error, -ETIMEDOUT);
    assert_true(count >= 100);
    while (count != 0)
        close(clients[--count]);
    cf_socket_listener_close(&l, path, true);
}

static void the_peer_is_named_and_its_death_is_seen(void **state)
{
    (void)state;
    struct cf_listener l;
    struct cf_peer peer;
    int server, pidfd = -1, status;
    assert_int_equal(cf_socket_listen(path, 0600, (gid_t)-1, &l), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int fd;
        char byte;
        size_t bytes;
        if (cf_socket_connect(path, SECONDS, &fd) != 0)
            _exit(1);
        cf_socket_receive(fd, &byte, 1, &bytes, NULL, 0, NULL); /* sleeps until it is killed */
        _exit(0);
    }
    assert_int_equal(cf_socket_wait(l.fd, POLLIN, 20 * SECONDS), 0);
    assert_int_equal(cf_socket_accept(l.fd, &server), 0);
    assert_int_equal(cf_socket_peer(server, &peer), 0);
    assert_int_equal(peer.pid, child);
    assert_int_equal(peer.uid, geteuid());
    assert_int_equal(peer.gid, getegid());
    assert_int_equal(cf_socket_pidfd(server, &pidfd), 0);
    assert_int_equal(cf_socket_wait(pidfd, POLLIN, 0), -ETIMEDOUT);
    kill(child, SIGKILL);
    assert_int_equal(cf_socket_wait(pidfd, POLLIN, 20 * SECONDS), 0);
    assert_int_equal(cf_socket_wait(server, POLLIN, 20 * SECONDS), 0);
    waitpid(child, &status, 0);
    close(pidfd);
    close(server);
    cf_socket_listener_close(&l, path, true);
}

/* The groups of who connected: all that this process has. */
static void the_peers_groups_are_named(void **state)
{
    (void)state;
    static gid_t own[CF_PEER_GROUPS_MAX], seen[CF_PEER_GROUPS_MAX];
    struct cf_listener listener;
    int client, server;
    uint32_t count = UINT32_MAX;
    const gid_t wanted[] = {4711, 4712, 4713};
    int before = getgroups(CF_PEER_GROUPS_MAX, own);
    assert_true(before >= 0);
    bool changed = geteuid() == 0 && setgroups(3, wanted) == 0;
    connected(&listener, &client, &server);
    if (changed)
        assert_int_equal(setgroups((size_t)before, own), 0); /* what it has when it is asked for does not count */
    assert_int_equal(cf_socket_peer_groups(server, seen, CF_PEER_GROUPS_MAX, &count), 0);
    assert_int_equal(count, changed ? 3 : before);
    if (count != 0)
        assert_memory_equal(seen, changed ? wanted : own, count * sizeof seen[0]);
    if (count > 1)
        assert_int_equal(cf_socket_peer_groups(server, seen, count - 1, &count), -ERANGE);
    close(client);
    close(server);
    cf_socket_listener_close(&listener, path, true);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(packets_keep_their_bounds_and_order),
        CASE(descriptors_arrive_and_are_closed_on_exec),
        CASE(what_is_refused_leaves_no_descriptor_open),
        CASE(a_flood_of_descriptors_is_refused),
        CASE(a_path_has_one_owner),
        CASE(a_path_stays_owned_while_a_forked_child_lives),
        CASE(a_file_that_is_no_socket_is_left_alone),
        CASE(bad_paths_are_refused),
        CASE(a_wait_ends_with_its_timeout_or_a_hang_up),
        CASE(a_connect_to_a_full_backlog_times_out),
        CASE(the_peer_is_named_and_its_death_is_seen),
        CASE(the_peers_groups_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
