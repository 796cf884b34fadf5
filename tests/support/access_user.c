#define _GNU_SOURCE
#include "tests/support/access_user.h"

#include <grp.h>

struct daemon access_daemon;
const struct identity access_nobody = {NOBODY, NOBODY, 0}, access_stranger = {STRANGER, STRANGER, 0},
                      access_root = {0, 0, 0};

/* ------------------------------------------------------------------ another user */

void access_become(const struct identity *who)
{
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failed assertion in a child must not go on with the parent's tests */
    if (setgroups(who->group != 0, &who->group) != 0 || setresgid(who->gid, who->gid, who->gid) != 0 ||
        setresuid(who->uid, who->uid, who->uid) != 0)
        _exit(100);
}

/* In a child: an assertion that fails ends it, instead of going on with the next test there. */
void access_begin_child(void)
{
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    alarm(SECONDS_MAX);
}

/* Does it as that user, and brings the results back. */
void access_as(const struct identity *who, deed_fn *deed, const void *arg, LONG results[RESULTS])
{
    int told[2], status = 0;
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        LONG mine[RESULTS] = {0};
        access_begin_child();
        access_become(who);
        setenv("CALLFAN_SOCKET", access_daemon.socket, 1);
        deed(mine, arg);
        _exit(write(told[1], mine, sizeof mine) == (ssize_t)sizeof mine ? 0 : 101);
    }
    close(told[1]);
    ssize_t n = read(told[0], results, RESULTS * sizeof *results);
    close(told[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (n != (ssize_t)(RESULTS * sizeof *results) || status != 0)
        fail_msg("user %u ended with %d\n%s", (unsigned)who->uid, status, access_daemon.log);
}

/* ------------------------------------------------------------------ hellos */

struct access_said *access_said;

void access_say(LONG *results, const void *arg)
{
    struct peer p;
    int socket;
    (void)results;
    memset(&p, 0, sizeof p);
    if (cf_socket_connect(access_daemon.socket, WAIT_MS * INT64_C(1000000), &socket) != 0) {
        access_said->result = -ENOTCONN;
        return;
    }
    access_said->result = peer_say(&p, socket, arg, sizeof(struct cf_hello));
    memcpy(access_said->text, p.welcome.text, sizeof access_said->text);
    if (access_said->result == 0) {
        peer_map(&p);
        access_said->slots = p.down->header.down_slots;
    }
}

/* A hello as that user, of an application or a provider; 0 or the errno it is refused with. Said again when it is asked to. */
int32_t access_hello(const struct identity *who, enum cf_hello_kind kind, const char *name)
{
    LONG unused[RESULTS];
    struct cf_hello h = test_hello(kind, name);
    int64_t until = test_now_ms() + WAIT_MS;
    do {
        memset(access_said, 0, sizeof *access_said);
        access_as(who, access_say, &h, unused);
    } while (access_said->result == -EAGAIN && test_now_ms() < until);
    return access_said->result;
}

void access_expect_denied(const struct identity *who, enum cf_hello_kind kind, const char *name, const char *text)
{
    int32_t result = access_hello(who, kind, name);
    if (result != -EACCES || strstr(access_said->text, text) == NULL)
        fail_msg("user %u: %d '%s', not refused with '%s'\n%s", (unsigned)who->uid, result, access_said->text, text,
                 access_daemon.log);
    assert_true(strlen(access_said->text) < sizeof access_said->text - 1); /* a whole sentence */
}

/* A status hello: 0 when JSON came, else the refusal. */
static void ask_status(LONG *results, const void *arg)
{
    struct cf_hello h = test_hello(CF_HELLO_STATUS, "");
    static char text[CF_STATUS_PACKET];
    size_t bytes = 0;
    int socket;
    (void)arg;
    results[0] = -ENOTCONN;
    if (cf_socket_connect(access_daemon.socket, WAIT_MS * INT64_C(1000000), &socket) != 0 ||
        cf_socket_send(socket, &h, sizeof h, NULL, 0) != 0 ||
        cf_socket_wait(socket, POLLIN, WAIT_MS * INT64_C(1000000)) != 0 ||
        cf_socket_receive(socket, text, sizeof text, &bytes, NULL, 0, NULL) != 0)
        return;
    struct cf_welcome w;
    memcpy(&w, text, sizeof w);
    bool refused = bytes == sizeof w && w.magic == CF_HELLO_MAGIC;
    results[0] = refused ? w.result : text[0] == '{' ? 0 : -EPROTO;
    if (refused)
        memcpy(access_said->text, w.text, sizeof access_said->text);
}

int32_t access_status(const struct identity *who)
{
    LONG results[RESULTS];
    memset(access_said, 0, sizeof *access_said);
    access_as(who, ask_status, NULL, results);
    return results[0];
}

/* ------------------------------------------------------------------ a service that others reach */

void access_configure(const char *more)
{
    char text[4096];
    snprintf(text, sizeof text, "socket_mode = 0666\n%s", more);
    daemon_configure(&access_daemon, text);
}

void access_start(const char *more)
{
    daemon_folder(&access_daemon);
    assert_int_equal(chmod(access_daemon.folder, 0755), 0);
    access_configure(more);
    daemon_launch(&access_daemon, NULL, NULL);
    daemon_wait_log(&access_daemon, "the core is ready");
}

/* Two exchanges of four lines each; calls come, one by one, to a line that is open, and wait for an owner. */
const char access_exchanges[] =
    "provider alpha {\n command = \"callfan-sim\"\n lines = 4\n rate = 50\n answer = owner\n "
    "no_answer_ms = 600000\n}\n"
    "provider beta {\n command = \"callfan-sim\"\n lines = 4\n rate = 0\n}\n";

void access_start_exchanges(const char *access)
{
    char text[3072];
    snprintf(text, sizeof text, "%s%s", access_exchanges, access);
    access_start(text);
    int64_t until = test_now_ms() + WAIT_MS;
    while (daemon_number(&access_daemon, "totals", "lines") != 8)
        assert_true(test_now_ms() < until);
}

struct json_object *access_first_port(struct json_object *status)
{
    struct json_object *ports = NULL, *kind = NULL;
    assert_true(json_object_object_get_ex(status, "ports", &ports));
    for (size_t i = 0; i < json_object_array_length(ports); i++) {
        struct json_object *port = json_object_array_get_idx(ports, i);
        assert_true(json_object_object_get_ex(port, "kind", &kind));
        if (strcmp(json_object_get_string(kind), "application") == 0)
            return port;
    }
    fail_msg("no application is there");
    return NULL;
}

/* ------------------------------------------------------------------ applications */

HLINEAPP access_app;

LONG access_join(void)
{
    DWORD devices = 0, version = V22;
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    return cf_line_initialize(&access_app, NULL, "tried", &devices, &version, &params, NULL);
}

/* The device that is that line of that provider; LINEMAPPER: none. */
DWORD access_device(DWORD provider, DWORD number)
{
    for (DWORD id = 0; id < 64; id++) {
        union {
            LINEDEVCAPS caps;
            char bytes[4096];
        } u = {.caps.dwTotalSize = sizeof u};
        if (lineGetDevCaps(access_app, id, V22, 0, &u.caps) == 0 && u.caps.dwPermanentLineID >> 20 == provider &&
            (u.caps.dwPermanentLineID & 0xFFFFF) == number + 1)
            return id;
    }
    return LINEMAPPER;
}

LONG access_open(DWORD provider, DWORD number, DWORD privileges, HLINE *ret_line)
{
    return lineOpen(access_app, access_device(provider, number), ret_line, V22, 0, 0, privileges, VOICE, NULL);
}

/* Opens and closes again. */
LONG access_try_open(DWORD provider, DWORD number, DWORD privileges)
{
    HLINE line;
    LONG result = access_open(provider, number, privileges, &line);
    if (result == 0)
        lineClose(line);
    return result;
}

/* The result that LINE_REPLY brings; a result at once is one. Messages of calls in between are passed over. */
LONG access_reply(LONG request)
{
    LINEMESSAGE m;
    if (request < 0)
        return request;
    while (lineGetMessage(access_app, &m, WAIT_MS) == 0)
        if (m.dwMessageID == LINE_REPLY && (LONG)m.dwParam1 == request)
            return (LONG)m.dwParam2;
    return LINEERR_OPERATIONFAILED;
}

LONG access_make_call(HLINE line)
{
    HCALL call = 0;
    return access_reply(lineMakeCall(line, &call, "300", 0, NULL));
}

/* The first new call of the line; 0: none came. */
HCALL access_next_call(DWORD *ret_privilege)
{
    LINEMESSAGE m;
    while (lineGetMessage(access_app, &m, WAIT_MS) == 0) {
        if (m.dwMessageID != LINE_APPNEWCALL)
            continue;
        *ret_privilege = (DWORD)m.dwParam3;
        return (HCALL)m.dwParam2;
    }
    return 0;
}

LONG access_list_calls(HLINE line, DWORD *ret_entries)
{
    static union {
        LINECALLLIST list;
        char bytes[65536];
    } u;
    u.list.dwTotalSize = sizeof u;
    LONG result = lineGetNewCalls(line, 0, LINECALLSELECT_LINE, &u.list);
    *ret_entries = u.list.dwCallsNumEntries;
    return result;
}

/* ------------------------------------------------------------------ a child that stays */

/* Attaches as that user, and then opens lines as it is told: provider, number, privileges; each answer is lineOpen's. */
void guest_invite(struct guest *g, const struct identity *who)
{
    int order[2], answer[2];
    LONG result;
    assert_int_equal(pipe2(order, O_CLOEXEC), 0);
    assert_int_equal(pipe2(answer, O_CLOEXEC), 0);
    g->pid = fork();
    if (g->pid == 0) {
        DWORD wish[3];
        access_begin_child();
        close(order[1]);
        access_become(who);
        setenv("CALLFAN_SOCKET", access_daemon.socket, 1);
        result = access_join();
        while (write(answer[1], &result, sizeof result) == (ssize_t)sizeof result &&
               read(order[0], wish, sizeof wish) == (ssize_t)sizeof wish)
            result = access_try_open(wish[0], wish[1], wish[2]);
        _exit(0);
    }
    close(order[0]);
    close(answer[1]);
    g->order = order[1];
    g->answer = answer[0];
    assert_int_equal(read(g->answer, &result, sizeof result), sizeof result);
    assert_int_equal(result, 0);
}

LONG guest_opens(const struct guest *g, DWORD provider, DWORD number, DWORD privileges)
{
    const DWORD wish[3] = {provider, number, privileges};
    LONG result;
    assert_int_equal(write(g->order, wish, sizeof wish), sizeof wish);
    assert_int_equal(read(g->answer, &result, sizeof result), sizeof result);
    return result;
}

void guest_leaves(struct guest *g)
{
    close(g->order);
    close(g->answer);
    kill(g->pid, SIGKILL); /* a later guest may have a copy of the pipe whose end would tell it */
    assert_int_equal(waitpid(g->pid, NULL, 0), g->pid);
}

int access_run(const struct CMUnitTest *tests, size_t count)
{
    void *shared;
    if (geteuid() != 0) {
        puts("only root can become other users: skipped");
        return 77;
    }
    if (cf_memory_anonymous(sizeof *access_said, true, &shared) != 0)
        return 1;
    access_said = shared;
    return _cmocka_run_group_tests("access", tests, count, NULL, NULL);
}
