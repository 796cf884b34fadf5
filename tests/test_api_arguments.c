/*
 * Bad arguments to every function of callfan/tapi.h: the documented error, never a crash, and nothing changed by it.
 *
 * Shape      api_functions.inc has every function that the header declares, made of it when the tests are built: a way to call it, its
 *            parameters, the errors that its comment names. A function that is new is walked without a line here. What a parameter
 *            may be follows from its type; api_arguments.h says what a name adds
 * Invariant  one argument is bad, the others are good; whatever comes out is among the errors of the function's comment
 * Errors     all that is not as it should be is printed, then the case fails
 */
#define _GNU_SOURCE
#include "tests/support/conformance.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/provider/clock.h"
#include "shm/handle.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { API_ASYNC = 1, API_SYNC = 2, API_OWNER = 4, API_TEXT = 8 };
enum { PARAMETERS_MAX = 16, PATIENCE_S = 30, PLACE_BYTES = 65536 };

struct api_parameter {
    const char *type, *name;
    bool may_be_null; /* as the comment says */
};

struct api_function {
    const char *name;
    uint64_t (*call)(const uint64_t *values);
    const struct api_parameter *parameters;
    size_t parameters_count;
    const LONG *errors; /* of the comment, ended by 0 */
    unsigned flags;
    DWORD feature; /* of LINECALLSTATUS.dwCallFeatures; 0: none */
};

#include "api_functions.inc"
#include "tests/api_arguments.h"

/* ---- who asks ------------------------------------------------------------------------------------------------------------------------- */

struct actor {
    struct client client;
    HLINE line;
    HCALL call, second; /* OFFERING */
};

static struct scene {
    struct world *world;
    struct actor owner, monitor;
    HCALL idle;
    HLINE monitor_of_2; /* on a device that the owner has not open */
    HLINEAPP stale_app;
    HLINE stale_line;
    HCALL stale_call;
    uint8_t *places[PARAMETERS_MAX]; /* each ends where nothing may be read */
    const char *under_way;   /* the function that is called */
    unsigned calls, faults;
} scene;

static bool is(const char *function, const char *name, const struct api_function *f, const struct api_parameter *p)
{
    return (function == NULL || strcmp(function, f->name) == 0) && strcmp(name, p->name) == 0;
}

/* A row of the function's own comes before one of the name. */
#define FIND(row, table, f, p)                                                                                         \
    for (size_t pass_ = 0; pass_ < 2 && (row) == NULL; pass_++)                                                        \
        for (size_t i_ = 0; i_ < COUNT(table) && (row) == NULL; i_++)                                                  \
            if (((table)[i_].function == NULL) == (pass_ == 1) && is((table)[i_].function, (table)[i_].name, f, p))    \
    (row) = &(table)[i_]

static const struct number *number_of(const struct api_function *f, const struct api_parameter *p)
{
    const struct number *row = NULL;
    FIND(row, numbers, f, p);
    return row;
}

static bool is_pointer(const struct api_parameter *p)
{
    return p->type[strlen(p->type) - 1] == '*';
}

static bool is_text(const struct api_parameter *p)
{
    return strcmp(p->type, "const char *") == 0;
}

/* The fixed part of what it points to; 0: that has none. */
static DWORD fixed_part(const struct api_parameter *p)
{
    const char *type = strncmp(p->type, "const ", 6) == 0 ? p->type + 6 : p->type;
    size_t length = strcspn(type, " ");
    for (size_t i = 0; i < COUNT(sized); i++)
        if (strlen(sized[i].type) == length && strncmp(sized[i].type, type, length) == 0)
            return sized[i].fixed;
    return 0;
}

static bool null_allowed(const struct api_function *f, const struct api_parameter *p)
{
    for (size_t i = 0; i < COUNT(may_be_null); i++)
        if (is(may_be_null[i].function, may_be_null[i].name, f, p))
            return true;
    return p->may_be_null;
}

static bool is_unused(const struct api_function *f, const struct api_parameter *p)
{
    for (size_t i = 0; i < COUNT(unused); i++)
        if (is(unused[i].function, unused[i].name, f, p))
            return true;
    return false;
}

/* Memory for one argument: so many bytes, cleared, up to a page that cannot be touched (but for what 8-byte alignment leaves). */
static uint8_t *place(size_t argument, size_t bytes)
{
    size_t whole = (bytes + 7) & ~(size_t)7;
    uint8_t *at = scene.places[argument] + PLACE_BYTES - whole;
    memset(at, 0, whole);
    return at;
}

static uint64_t as_value(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

/* A good argument. */
static uint64_t good(const struct api_function *f, size_t n, const struct actor *a, HCALL call)
{
    const struct api_parameter *p = &f->parameters[n];
    if (strcmp(p->type, "HLINEAPP") == 0)
        return a->client.app;
    if (strcmp(p->type, "HLINE") == 0)
        return a->line;
    if (strcmp(p->type, "HCALL") == 0)
        return n == 0 ? call : a->second;
    if (is_pointer(p)) {
        DWORD fixed = fixed_part(p);
        size_t bytes = fixed != 0 ? fixed : 256;
        uint8_t *at = place(n, bytes);
        if (fixed != 0)
            memcpy(at, &fixed, sizeof fixed);
        for (size_t i = 0; i < COUNT(contents); i++)
            if (is(contents[i].function, contents[i].name, f, p)) {
                if (contents[i].text != NULL)
                    memcpy(at, contents[i].text, strlen(contents[i].text));
                else
                    memcpy(at + contents[i].at, &contents[i].value, sizeof contents[i].value);
            }
        return as_value(at);
    }
    const struct number *row = number_of(f, p);
    return row != NULL ? row->good : 0;
}

/* ---- one call, and what comes of it --------------------------------------------------------------------------------------------------- */

/* The exchange refuses whatever it is asked. */
static void refuse_commands(struct exchange *x)
{
    struct cf_command c;
    cf_provider_turn(x->provider, x->reactor, cf_clock_ns());
    while (cf_provider_next_command(x->provider, &c)) {
        if (c.id == CF_CMD_CLOSE_CALL)
            cf_provider_call_free(x->provider, c.call);
        else if (c.number != 0)
            cf_provider_reply(x->provider, c.number, LINEERR_OPERATIONUNAVAIL, 0);
    }
    cf_provider_flush(x->provider);
}

/* The result of a request: LINE_REPLY's. */
static LONG reply_of(struct actor *a, LONG request)
{
    LINEMESSAGE m;
    for (int64_t end = cf_clock_ns() + PATIENCE_S * CF_NS_PER_S; cf_clock_ns() < end;) {
        refuse_commands(&scene.world->exchange);
        while (lineGetMessage(a->client.app, &m, 0) == 0)
            if (m.dwMessageID == LINE_REPLY && (LONG)m.dwParam1 == request)
                return (LONG)m.dwParam2;
    }
    fail_msg("no LINE_REPLY came");
    return 0;
}

/* A crash is told with its function, and ends the program at once: what cmocka does would leave a lock or a count behind. */
static void on_crash(int number)
{
    static const char end[] = " has crashed\n";
    if (write(STDERR_FILENO, scene.under_way, strlen(scene.under_way)) < 0 || write(STDERR_FILENO, end, sizeof end - 1) < 0)
        _exit(1);
    signal(number, SIG_DFL);
    raise(number);
}

static LONG call(const struct api_function *f, const uint64_t *values, struct actor *a)
{
    const char *build = getenv("CALLFAN_BUILD");
    scene.under_way = f->name;
    if (build == NULL || strcmp(build, "plain") == 0) { /* a sanitizer tells more */
        signal(SIGSEGV, on_crash);
        signal(SIGBUS, on_crash);
    }
    LONG result = (LONG)f->call(values);
    scene.calls++;
    return result > 0 && (f->flags & API_ASYNC) != 0 ? reply_of(a, result) : result;
}

static bool has_error(const struct api_function *f, LONG error)
{
    for (const LONG *e = f->errors; *e != 0; e++)
        if (*e == error)
            return true;
    return false;
}

static bool documented(const struct api_function *f, LONG error)
{
    for (size_t i = 0; i < COUNT(errors_of_all); i++)
        if (errors_of_all[i] == error)
            return true;
    return has_error(f, error);
}

static void judge(const struct api_function *f, const char *what, uint64_t value, LONG got, LONG error, LONG or_error)
{
    if (got != error && (or_error == 0 || got != or_error)) {
        printf("%s, %s = 0x%" PRIx64 ": %s, not %s\n", f->name, what, value, cf_line_error_name(got),
               cf_line_error_name(error));
        scene.faults++;
    } else if (got != 0 && !documented(f, got)) {
        printf("%s, %s = 0x%" PRIx64 ": %s is not in its comment\n", f->name, what, value, cf_line_error_name(got));
        scene.faults++;
    }
}

static void fill(const struct api_function *f, uint64_t *values, const struct actor *a, HCALL call)
{
    for (size_t n = 0; n < f->parameters_count; n++)
        values[n] = good(f, n, a, call);
}

/* Calls with the n-th argument bad and the others good. */
static void try(const struct api_function *f, size_t n, uint64_t value, LONG error, LONG or_error)
{
    uint64_t values[PARAMETERS_MAX];
    for (size_t k = 0; k < f->parameters_count; k++) {
        values[k] = k == n ? value : good(f, k, &scene.owner, scene.owner.call);
        for (size_t i = 0; i < COUNT(where); i++)
            if (is(where[i].function, where[i].name, f, &f->parameters[n]) &&
                strcmp(where[i].other, f->parameters[k].name) == 0)
                values[k] = where[i].value;
    }
    judge(f, f->parameters[n].name, value, call(f, values, &scene.owner), error, or_error);
}

#define EACH_FUNCTION(f)                                                                                               \
    (const struct api_function *f = api_functions; f < api_functions + COUNT(api_functions); f++)

static void no_faults(void)
{
    if (scene.faults != 0)
        fail_msg("%u of %u calls went wrong", scene.faults, scene.calls);
}

/* ---- handles -------------------------------------------------------------------------------------------------------------------------- */

/* An error of its own for such a handle where the comment has one. */
static LONG handle_error(const struct api_function *f, const struct api_parameter *p)
{
    if (strcmp(p->type, "HLINEAPP") == 0)
        return LINEERR_INVALAPPHANDLE;
    if (strcmp(p->type, "HLINE") == 0)
        return LINEERR_INVALLINEHANDLE;
    if (strcmp(p->name, "hConfCall") == 0 && has_error(f, LINEERR_INVALCONFCALLHANDLE))
        return LINEERR_INVALCONFCALLHANDLE;
    if (strcmp(p->name, "hConsultCall") == 0 && has_error(f, LINEERR_INVALCONSULTCALLHANDLE))
        return LINEERR_INVALCONSULTCALLHANDLE;
    return LINEERR_INVALCALLHANDLE;
}

static bool zero_allowed(const struct api_function *f, const struct api_parameter *p)
{
    for (size_t i = 0; i < COUNT(may_be_zero); i++)
        if (is(may_be_zero[i].function, may_be_zero[i].name, f, p))
            return true;
    return false;
}

/* It counts only where the call is none: nothing else says whose it is to be. */
static bool stands_alone(const struct api_function *f, const struct api_parameter *p)
{
    for (size_t i = 0; i < COUNT(where); i++)
        if (is(where[i].function, where[i].name, f, p))
            return true;
    return false;
}

static void wrong_handles(const struct api_function *f, size_t n)
{
    const struct api_parameter *p = &f->parameters[n];
    const struct actor *a = &scene.owner;
    uint64_t right = good(f, n, a, a->call);
    const uint64_t wrong[] = {
        UINT64_MAX,
        scene.stale_app,
        scene.stale_line,
        scene.stale_call,
        right + (UINT64_C(1) << 32), /* the free slot after its life, its next life, its former one */
        right + (UINT64_C(2) << 32),
        right - (UINT64_C(2) << 32),
        right ^ 0x00FFFFFF,                                    /* another slot */
        right ^ 0xF0000000,                                    /* no kind at all */
        right | UINT64_C(7) << CF_USAGE_SHIFT,                 /* of a usage that is not */
        (uint32_t)right,                                       /* 32 bits of it */
        strcmp(p->type, "HCALL") != 0 ? a->call : a->line,     /* of another kind */
        strcmp(p->type, "HLINEAPP") != 0 ? a->client.app : a->line,
    };
    for (size_t i = 0; i < COUNT(wrong); i++)
        try(f, n, wrong[i], handle_error(f, p), 0);
    if (!zero_allowed(f, p))
        try(f, n, 0, handle_error(f, p), 0);
    if (n != 0 && strcmp(p->type, "HLINEAPP") != 0 && !stands_alone(f, p)) /* beside a handle of the owner: one that is good, but of the monitor */
        try(f, n, strcmp(p->type, "HLINE") == 0 ? scene.monitor.line : scene.monitor.call, handle_error(f, p), 0);
}

static void every_wrong_handle_is_told(void **state)
{
    (void)state;
    for EACH_FUNCTION (f)
        for (size_t n = 0; n < f->parameters_count; n++)
            if (strncmp(f->parameters[n].type, "HLINE", 5) == 0 || strcmp(f->parameters[n].type, "HCALL") == 0)
                if (!is_pointer(&f->parameters[n]))
                    wrong_handles(f, n);
    no_faults();
}

/* ---- pointers, structures, texts, numbers --------------------------------------------------------------------------------------------- */

static void null_pointers_are_told(void **state)
{
    (void)state;
    for EACH_FUNCTION (f)
        for (size_t n = 0; n < f->parameters_count; n++)
            if (is_pointer(&f->parameters[n]) && !null_allowed(f, &f->parameters[n]))
                try(f, n, 0, LINEERR_INVALPOINTER, 0);
    no_faults();
}

static void user_user_information_without_its_bytes_is_told(void **state)
{
    (void)state;
    for EACH_FUNCTION (f) {
        if (f->parameters_count != 3 || strcmp(f->parameters[1].name, "lpsUserUserInfo") != 0)
            continue;
        uint64_t values[PARAMETERS_MAX] = {scene.owner.call, 0, 1};
        judge(f, "dwSize", 1, call(f, values, &scene.owner), LINEERR_INVALPOINTER, 0);
    }
    no_faults();
}

/* Only as many bytes as it claims can be read. */
static void short_structures_are_told(void **state)
{
    (void)state;
    for EACH_FUNCTION (f)
        for (size_t n = 0; n < f->parameters_count; n++) {
            bool looked_at = is_pointer(&f->parameters[n]) && !is_unused(f, &f->parameters[n]);
            DWORD fixed = looked_at ? fixed_part(&f->parameters[n]) : 0;
            const DWORD totals[] = {0, 1, 4, fixed / 2, fixed - 1};
            for (size_t i = 0; fixed != 0 && i < COUNT(totals); i++) {
                uint8_t *at = place(n, totals[i] > sizeof(DWORD) ? totals[i] : sizeof(DWORD));
                memcpy(at, &totals[i], sizeof totals[i]);
                try(f, n, as_value(at), LINEERR_STRUCTURETOOSMALL, 0);
            }
        }
    no_faults();
}

static void parts_outside_their_structure_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(parts); i++) {
        unsigned found = 0;
        for EACH_FUNCTION (f)
            for (size_t n = 0; n < f->parameters_count; n++) {
                if (!is(parts[i].function, parts[i].name, f, &f->parameters[n]))
                    continue;
                DWORD fixed = fixed_part(&f->parameters[n]);
                const DWORD outside[][2] = {{1, fixed}, {fixed, 1}, {2, fixed - 1}, {2, 0xFFFFFFFF}, {0xFFFFFFFF, 8}};
                for (size_t k = 0; k < COUNT(outside); k++) {
                    uint8_t *at = place(n, fixed);
                    memcpy(at, &fixed, sizeof fixed);
                    memcpy(at + parts[i].size_at, outside[k], sizeof outside[k]);
                    try(f, n, as_value(at), parts[i].error, 0);
                }
                found++;
            }
        assert_int_not_equal(found, 0);
    }
    no_faults();
}

static void endless_texts_are_told(void **state)
{
    (void)state;
    for EACH_FUNCTION (f)
        for (size_t n = 0; n < f->parameters_count; n++) {
            const struct text *row = NULL;
            if (!is_text(&f->parameters[n]))
                continue;
            FIND(row, texts, f, &f->parameters[n]);
            if (row == NULL)
                fail_msg("%s: %s has no line in the table of texts", f->name, f->parameters[n].name);
            if (row->too_long == 0)
                continue;
            memset(place(n, PLACE_BYTES), 'x', PLACE_BYTES);
            try(f, n, as_value(scene.places[n]), row->too_long, 0);
        }
    no_faults();
}

static void numbers_out_of_range_are_told(void **state)
{
    (void)state;
    for EACH_FUNCTION (f)
        for (size_t n = 0; n < f->parameters_count; n++) {
            const struct number *row = is_pointer(&f->parameters[n]) ? NULL : number_of(f, &f->parameters[n]);
            for (size_t i = 0; row != NULL && row->error != 0 && i < COUNT(row->bad); i++)
                if (row->bad[i] != 0 || i == 0)
                    try(f, n, row->bad[i], row->error, row->or_error);
        }
    no_faults();
}

static void bad_numbers_behind_pointers_are_told(void **state)
{
    (void)state;
    for EACH_FUNCTION (f)
        for (size_t n = 0; n < f->parameters_count; n++)
            for (size_t i = 0; i < COUNT(bad_contents); i++) {
                if (!is(bad_contents[i].function, bad_contents[i].name, f, &f->parameters[n]))
                    continue;
                uint64_t value = good(f, n, &scene.owner, scene.owner.call);
                memcpy((uint8_t *)(uintptr_t)value + bad_contents[i].at, &bad_contents[i].bad, sizeof(DWORD));
                try(f, n, value, bad_contents[i].error, 0);
            }
    no_faults();
}

/* ---- privilege, state, process -------------------------------------------------------------------------------------------------------- */

/* Its first call stands for a conference, which the scene's do not. */
static bool of_conference(const struct api_function *f)
{
    return strcmp(f->parameters[0].name, "hConfCall") == 0;
}

static void a_monitor_is_no_owner(void **state)
{
    (void)state;
    unsigned owners = 0;
    for EACH_FUNCTION (f) {
        uint64_t values[PARAMETERS_MAX];
        if ((f->flags & API_OWNER) == 0)
            continue;
        fill(f, values, &scene.monitor, scene.monitor.call);
        judge(f, "a monitor's handle", scene.monitor.call, call(f, values, &scene.monitor), LINEERR_NOTOWNER,
              of_conference(f) ? LINEERR_INVALCONFCALLHANDLE : 0);
        owners++;
    }
    assert_in_range(owners, 7, COUNT(api_functions));
    no_faults();
}

static void nothing_moves_an_idle_call(void **state)
{
    (void)state;
    for EACH_FUNCTION (f) {
        uint64_t values[PARAMETERS_MAX];
        if ((f->flags & API_OWNER) == 0 || !has_error(f, LINEERR_INVALCALLSTATE))
            continue;
        fill(f, values, &scene.owner, scene.idle);
        judge(f, "an IDLE call", scene.idle, call(f, values, &scene.owner), LINEERR_INVALCALLSTATE,
              of_conference(f) ? LINEERR_INVALCONFCALLHANDLE : 0);
    }
    no_faults();
}

/* A call of that state that the monitor has raised itself to own. */
static HCALL owned_in_state(DWORD in_state, uint64_t *ret_id)
{
    struct client *c = &scene.monitor.client;
    *ret_id = exchange_call(&scene.world->exchange, 2, in_state, "1", "2");
    HCALL handle = client_new_call(c, scene.monitor_of_2, MONITOR, in_state);
    assert_error(lineSetCallPrivilege(handle, OWNER), 0);
    return handle;
}

static void try_in_state(const struct api_function *f, HCALL handle, DWORD in_state, DWORD line_can)
{
    uint64_t values[PARAMETERS_MAX];
    struct actor *a = &scene.monitor;
    bool can = (call_features(handle) & f->feature) != 0;
    fill(f, values, a, handle);
    LONG got = call(f, values, a);
    if (can && got == 0) /* a synchronous function, whose end is told by a message */
        got = LINEERR_OPERATIONUNAVAIL;
    judge(f, cf_call_state_name(in_state), handle, got, can ? LINEERR_OPERATIONUNAVAIL : LINEERR_INVALCALLSTATE,
          (f->feature & line_can) == 0 ? LINEERR_OPERATIONUNAVAIL : 0);
}

static unsigned handles_of_calls(const struct api_function *f)
{
    unsigned count = 0;
    for (size_t n = 0; n < f->parameters_count; n++)
        count += strcmp(f->parameters[n].type, "HCALL") == 0;
    return count;
}

/* dwCallFeatures is the truth, in each state: what it has gets as far as the exchange, which refuses it; what it has not is
 * INVALCALLSTATE. Functions of two calls depend on both, those of a conference on its members: their own tests have them. */
static void the_features_say_what_can_be_done(void **state)
{
    (void)state;
    struct actor *a = &scene.monitor;
    LINEADDRESSCAPS caps = {.dwTotalSize = sizeof caps};
    unsigned tried = 0;
    assert_error(lineGetAddressCaps(a->client.app, 2, 0, TAPI_CURRENT_VERSION, 0, &caps), 0);
    scene.monitor_of_2 = client_open(&a->client, 2, MONITOR);
    for (DWORD in_state = LINECALLSTATE_OFFERING; in_state <= LINECALLSTATE_UNKNOWN; in_state <<= 1) {
        uint64_t id;
        HCALL handle = owned_in_state(in_state, &id);
        for EACH_FUNCTION (f)
            if (f->feature != 0 && handles_of_calls(f) == 1 && !of_conference(f)) {
                try_in_state(f, handle, in_state, caps.dwCallFeatures);
                tried++;
            }
        exchange_state(&scene.world->exchange, id, LINECALLSTATE_IDLE, 0);
        for (LINEMESSAGE m = {0}; m.dwMessageID != LINE_CALLSTATE || m.dwParam1 != LINECALLSTATE_IDLE;)
            m = client_message(&a->client);
        assert_error(lineDeallocateCall(handle), 0);
    }
    assert_in_range(tried, 7 * 15, COUNT(api_functions) * 15);
    assert_error(lineClose(scene.monitor_of_2), 0);
    no_faults();
}

static bool needs_usage(const struct api_function *f)
{
    for (size_t i = 0; i < COUNT(need_no_usage); i++)
        if (strcmp(f->name, need_no_usage[i]) == 0)
            return false;
    return (f->flags & API_TEXT) == 0;
}

static void a_child_after_fork_is_uninitialised(void **state)
{
    (void)state;
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        scene.faults = 0;
        for EACH_FUNCTION (f) {
            uint64_t values[PARAMETERS_MAX];
            fill(f, values, &scene.owner, scene.owner.call);
            if (needs_usage(f))
                judge(f, "after fork", 0, (LONG)f->call(values), LINEERR_UNINITIALIZED, 0);
        }
        fflush(stdout);
        _exit(scene.faults != 0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void names_are_never_null(void **state)
{
    (void)state;
    static const uint64_t odd[] = {0, 1, 2, 3, 35, 0x8000, 0x7FFFFFFF, 0x80000000, 0x80000004, 0xFFFFFFFF};
    for EACH_FUNCTION (f)
        for (size_t i = 0; (f->flags & API_TEXT) != 0 && i < COUNT(odd); i++)
            for (size_t k = 0; k < COUNT(odd); k++) {
                const uint64_t values[PARAMETERS_MAX] = {odd[i], odd[k]};
                const char *text = (const char *)(uintptr_t)f->call(values);
                assert_non_null(text);
                assert_true(strlen(text) < 1000);
            }
}

/* ---- the tables are whole, and nothing was changed by all this ------------------------------------------------------------------------ */

static bool number_known(const struct api_function *f, const struct api_parameter *p)
{
    bool number = strcmp(p->type, "DWORD") == 0 || strcmp(p->type, "DWORD_PTR") == 0 || strcmp(p->type, "LONG") == 0 ||
                  strcmp(p->type, "uint32_t") == 0;
    for (size_t i = 0; number && i < COUNT(any_number); i++)
        if (strcmp(any_number[i], p->name) == 0)
            return true;
    return !number || number_of(f, p) != NULL;
}

static void every_function_can_be_walked(void **state)
{
    (void)state;
    assert_in_range(COUNT(api_functions), 37, 200);
    for EACH_FUNCTION (f) {
        assert_in_range(f->parameters_count, 1, PARAMETERS_MAX);
        for (size_t n = 0; n < f->parameters_count; n++)
            if (!number_known(f, &f->parameters[n]))
                fail_msg("%s: say in numbers or any_number what %s may be", f->name, f->parameters[n].name);
        if (strncmp(f->name, "line", 4) == 0 && (f->flags & (API_ASYNC | API_SYNC)) == 0)
            fail_msg("%s: its comment does not say whether it is synchronous", f->name);
        if (f->flags & API_ASYNC)
            assert_true(has_error(f, LINEERR_REQUESTOVERRUN) && has_error(f, LINEERR_OPERATIONUNAVAIL));
        if (f->flags & API_OWNER)
            assert_true(has_error(f, LINEERR_NOTOWNER));
    }
}

static void what_was_good_still_is(void **state)
{
    (void)state;
    const struct actor *actors[] = {&scene.owner, &scene.monitor};
    for (size_t i = 0; i < COUNT(actors); i++) {
        LINEDEVSTATUS status = {.dwTotalSize = sizeof status};
        assert_error(lineGetLineDevStatus(actors[i]->line, &status), 0);
        assert_int_equal(status.dwNumOpens, 2);
        assert_int_equal(call_state(actors[i]->call), LINECALLSTATE_OFFERING);
        assert_int_equal(call_state(actors[i]->second), LINECALLSTATE_OFFERING);
    }
    assert_int_equal(call_privilege(scene.owner.call), OWNER);
    assert_int_equal(call_privilege(scene.monitor.call), MONITOR);
    assert_int_equal(call_state(scene.idle), LINECALLSTATE_IDLE);
    assert_int_equal(call_owners(scene.owner.call), 1);
    assert_int_equal(call_monitors(scene.owner.call), 1);
    printf("%u calls with bad arguments\n", scene.calls);
}

/* ---- the scene ------------------------------------------------------------------------------------------------------------------------ */

static void both_learn(HCALL *ret_owned, HCALL *ret_seen)
{
    *ret_owned = client_new_call(&scene.owner.client, scene.owner.line, OWNER, LINECALLSTATE_OFFERING);
    *ret_seen = client_new_call(&scene.monitor.client, scene.monitor.line, MONITOR, LINECALLSTATE_OFFERING);
}

/* An application, a line and a call that were there and are gone. */
static void leave_stale_handles(void)
{
    struct client gone;
    HCALL seen;
    client_join(&gone);
    scene.stale_app = gone.app;
    client_leave(&gone);
    assert_error(lineOpen(scene.owner.client.app, 1, &scene.stale_line, TAPI_CURRENT_VERSION, 0, 0, MONITOR, 0, NULL), 0);
    assert_error(lineClose(scene.stale_line), 0);
    uint64_t id = exchange_call(&scene.world->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    both_learn(&scene.stale_call, &seen);
    exchange_end(&scene.world->exchange, id);
    client_state(&scene.owner.client, scene.stale_call, LINECALLSTATE_DISCONNECTED);
    client_state(&scene.owner.client, scene.stale_call, LINECALLSTATE_IDLE);
    assert_error(lineDeallocateCall(scene.stale_call), 0);
    assert_error(lineDeallocateCall(seen), 0);
}

static int set_up(void **state)
{
    HCALL seen;
    world_set_up(state);
    scene.world = *state;
    for (size_t i = 0; i < PARAMETERS_MAX; i++) {
        uint8_t *at = mmap(NULL, PLACE_BYTES + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(at != MAP_FAILED);
        assert_int_equal(mprotect(at + PLACE_BYTES, 4096, PROT_NONE), 0);
        scene.places[i] = at;
    }
    struct exchange *x = &scene.world->exchange;
    scene.owner.line = client_start(&scene.owner.client, OWNER);
    scene.monitor.line = client_start(&scene.monitor.client, MONITOR);
    leave_stale_handles();
    exchange_call(x, 0, LINECALLSTATE_OFFERING, "1", "2");
    both_learn(&scene.owner.call, &scene.monitor.call);
    exchange_call(x, 0, LINECALLSTATE_OFFERING, "1", "2");
    both_learn(&scene.owner.second, &scene.monitor.second);
    uint64_t ends = exchange_call(x, 0, LINECALLSTATE_OFFERING, "1", "2");
    both_learn(&scene.idle, &seen);
    exchange_end(x, ends);
    client_state(&scene.owner.client, scene.idle, LINECALLSTATE_DISCONNECTED);
    client_state(&scene.owner.client, scene.idle, LINECALLSTATE_IDLE);
    return 0;
}

static int tear_down(void **state)
{
    client_leave(&scene.owner.client);
    client_leave(&scene.monitor.client);
    for (size_t i = 0; i < PARAMETERS_MAX; i++)
        munmap(scene.places[i], PLACE_BYTES + 4096);
    return world_tear_down(state);
}

static int count_anew(void **state)
{
    (void)state;
    scene.faults = 0;
    return 0;
}

#define WALK(test) cmocka_unit_test_setup(test, count_anew)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WALK(every_function_can_be_walked),
        WALK(every_wrong_handle_is_told),
        WALK(null_pointers_are_told),
        WALK(user_user_information_without_its_bytes_is_told),
        WALK(short_structures_are_told),
        WALK(parts_outside_their_structure_are_told),
        WALK(endless_texts_are_told),
        WALK(numbers_out_of_range_are_told),
        WALK(bad_numbers_behind_pointers_are_told),
        WALK(a_monitor_is_no_owner),
        WALK(nothing_moves_an_idle_call),
        WALK(the_features_say_what_can_be_done),
        WALK(a_child_after_fork_is_uninitialised),
        WALK(names_are_never_null),
        WALK(what_was_good_still_is),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
