/*
 * What the tests of access share: other users, who say hello or use libcallfan at a running callfand.
 *
 * Shape      what another user does is done by a child process that has become it; it tells what came of it through a pipe
 * Overlap    one service at a time, access_daemon
 */
#ifndef CF_TESTS_ACCESS_USER_H
#define CF_TESTS_ACCESS_USER_H

#include "tests/test_keeper_peer.h"

#include "callfan/tapi.h"

#define MONITOR LINECALLPRIVILEGE_MONITOR
#define OWNER   LINECALLPRIVILEGE_OWNER
#define NOTHING LINECALLPRIVILEGE_NONE
#define VOICE   LINEMEDIAMODE_INTERACTIVEVOICE
#define V22     0x00020002

enum { NOBODY = 65534, STRANGER = 12345, ALPHA = 1, BETA = 2, SECONDS_MAX = 100, RESULTS = 32 };

extern struct daemon access_daemon;

struct identity {
    uid_t uid;
    gid_t gid;
    gid_t group; /* supplementary; 0: none */
};

extern const struct identity access_nobody, access_stranger, access_root;

typedef void deed_fn(LONG *results, const void *arg);

/* What the service said to the last hello; shared with the children. */
struct access_said {
    int32_t result;
    uint64_t slots; /* of the down ring */
    char text[sizeof((struct cf_welcome *)0)->text];
};
extern struct access_said *access_said;
extern HLINEAPP access_app; /* of a child that joined */

/* Attaches as a user, and then opens lines as it is told. */
struct guest {
    pid_t pid;
    int order, answer;
};

void access_become(const struct identity *who);
/* In a child: an assertion that fails ends it, instead of going on with the next test there. */
void access_begin_child(void);
/* Does it as that user, and brings the results back. */
void access_as(const struct identity *who, deed_fn *deed, const void *arg, LONG results[RESULTS]);
/* Says that struct cf_hello; what came of it is in access_said. */
deed_fn access_say;
/* A hello as that user, of an application or a provider; 0 or the errno it is refused with. Said again when it is asked to. */
int32_t access_hello(const struct identity *who, enum cf_hello_kind kind, const char *name);
/* The hello is refused for want of access, with these words. */
void access_expect_denied(const struct identity *who, enum cf_hello_kind kind, const char *name, const char *text);
/* A status hello: 0 when JSON came, else the refusal. */
int32_t access_status(const struct identity *who);
void access_configure(const char *more);
void access_start(const char *more);
/* Two exchanges of four lines each; calls come, one by one, to a line of alpha that is open, and wait for an owner. */
extern const char access_exchanges[];
void access_start_exchanges(const char *access);
struct json_object *access_first_port(struct json_object *status);
/* In a child: libcallfan's application, access_app, and its lines. */
LONG access_join(void);
/* The device that is that line of that provider; LINEMAPPER: none. */
DWORD access_device(DWORD provider, DWORD number);
LONG access_open(DWORD provider, DWORD number, DWORD privileges, HLINE *ret_line);
/* Opens and closes again. */
LONG access_try_open(DWORD provider, DWORD number, DWORD privileges);
/* The result that LINE_REPLY brings; a result at once is one. Messages of calls in between are passed over. */
LONG access_reply(LONG request);
LONG access_make_call(HLINE line);
/* The first new call of the line; 0: none came. */
HCALL access_next_call(DWORD *ret_privilege);
LONG access_list_calls(HLINE line, DWORD *ret_entries);
/* Attaches as that user, and then opens lines as it is told: provider, number, privileges; each answer is lineOpen's. */
void guest_invite(struct guest *g, const struct identity *who);
LONG guest_opens(const struct guest *g, DWORD provider, DWORD number, DWORD privileges);
void guest_leaves(struct guest *g);

/* Runs them as root; else ends with 77. */
int access_run(const struct CMUnitTest *tests, size_t count);

#endif
