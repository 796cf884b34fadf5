/*
 * The example of docs/adapters/writing.md, run against a core and a door phone of the test's own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/provider/clock.h"
#include "callfan/provider.h"
#include "callfan/tapi.h"
#include "shm/fields.h"
#include "tests/support/provider_core.h"

enum { PATIENCE_S = 30 };

static char example[512];

static int64_t soon(void)
{
    return cf_clock_ns() + PATIENCE_S * CF_NS_PER_S;
}

static struct cf_record *take(struct provider_core *core)
{
    static struct cf_record r;
    for (int64_t end = soon(); cf_clock_ns() < end; sched_yield())
        if (provider_core_take(core, &r, true))
            return &r;
    fail_msg("no event");
    return NULL;
}

static pid_t run(const char *socket_path, uint16_t port)
{
    char set[32];
    snprintf(set, sizeof set, "port=%u", port);
    char *argv[] = {
        example, (char *)(uintptr_t) "--socket", (char *)(uintptr_t)socket_path, (char *)(uintptr_t) "--set", set,
        NULL};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execv(example, argv);
        _exit(127);
    }
    return pid;
}

static int ended(pid_t pid)
{
    int status = -1;
    pid_t done = 0;
    for (int64_t end = soon(); (done = waitpid(pid, &status, WNOHANG)) == 0 && cf_clock_ns() < end;)
        sched_yield();
    if (done == 0) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        fail_msg("it did not end");
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* A UDP port that was free just now. */
static uint16_t free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, bytes), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &bytes), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static void hear(int phone, const char *word)
{
    struct pollfd ready = {.fd = phone, .events = POLLIN};
    char text[64];
    assert_int_equal(poll(&ready, 1, PATIENCE_S * 1000), 1);
    ssize_t n = recv(phone, text, sizeof text, 0);
    assert_int_equal(n, strlen(word));
    assert_memory_equal(text, word, strlen(word));
}

static void say(int phone, const char *text)
{
    assert_int_equal(send(phone, text, strlen(text), 0), strlen(text));
}

static void the_door_phone_becomes_calls(void **state)
{
    (void)state;
    struct provider_core core;
    struct cf_field field = {0};
    uint16_t port = free_port();
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int phone = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(phone, (struct sockaddr *)&to, sizeof to), 0);
    provider_core_init(&core, 256, 256);
    provider_core_serve(&core);
    pid_t pid = run(core.path, port);
    provider_core_served(&core);
    assert_string_equal(core.hello.name, "door");
    assert_int_equal(take(&core)->m.id, CF_EV_SNAPSHOT_BEGIN);
    assert_int_equal(take(&core)->m.id, CF_EV_LINE);
    assert_int_equal(take(&core)->m.id, CF_EV_SNAPSHOT_END);

    say(phone, "ring the postman");
    const struct cf_record *r = take(&core);
    uint64_t call = r->m.device;
    assert_int_equal(r->m.id, CF_EV_NEW_CALL);
    assert_true(cf_fields_find(r, CF_FIELD_CALLER_NAME, &field));
    assert_int_equal(field.bytes, 11);
    assert_memory_equal(field.data, "the postman", 11);
    provider_core_command(&core, CF_CMD_ANSWER, call, 1, 0);
    hear(phone, "talk");
    assert_int_equal(take(&core)->m.id, CF_EV_REPLY);
    assert_int_equal(take(&core)->m.param1, LINECALLSTATE_CONNECTED);
    provider_core_command(&core, CF_CMD_ACCEPT, call, 2, 0);
    assert_int_equal(take(&core)->m.param2, (uint32_t)LINEERR_OPERATIONUNAVAIL);
    say(phone, "stop");
    assert_int_equal(take(&core)->m.param1, LINECALLSTATE_DISCONNECTED);
    assert_int_equal(take(&core)->m.param1, LINECALLSTATE_IDLE);

    say(phone, "ring again"); /* while the handles of the first call are still kept */
    r = take(&core);
    assert_int_equal(r->m.id, CF_EV_NEW_CALL);
    assert_int_not_equal(r->m.device, call);
    uint64_t second = r->m.device;
    provider_core_command(&core, CF_CMD_CLOSE_CALL, call, 0, 0);
    provider_core_command(&core, CF_CMD_DROP, second, 3, 0);
    hear(phone, "hang up");
    assert_int_equal(take(&core)->m.param2, 0);
    assert_int_equal(take(&core)->m.param1, LINECALLSTATE_IDLE);
    provider_core_command(&core, CF_CMD_CLOSE_CALL, second, 0, 0);

    provider_core_hang_up(&core);
    assert_int_equal(ended(pid), 1); /* callfand would start it again */
    close(phone);
    provider_core_fini(&core);
}

int main(void)
{
    const char *folder = getenv("CALLFAN_BIN");
    snprintf(example, sizeof example, "%s/../examples/adapter", folder != NULL ? folder : ".");
    if (folder == NULL || access(example, X_OK) != 0) {
        fprintf(stderr, "%s is not there\n", example);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_door_phone_becomes_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
