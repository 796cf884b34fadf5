/*
 * Talking with one modem: a queue of commands, one at a time in the modem, each with a time-out; finding it again when it does not
 * answer; the beginning, which is the same.
 *
 * Shape      PROBING (AT, up to three times) -> STARTING (ATE0V1 and the commands of the configuration) -> READY; after CONNECT of
 *            a data call ONLINE, then ESCAPING (+++) back to READY. A time-out, or garbage while nothing is asked, leads to PROBING again
 * Units      ns, whatever clock the caller passes in
 * Invariant  at most one command is in the modem. A command ends exactly once, by a result, by CF_AT_TIMEOUT or by CF_AT_ABORTED, unless
 *            it was cancelled or the chat was closed. After the result of a call's command nothing is sent for settle_ns, so that a second result
 *            that crossed it is not taken for that of the next command
 * Errors     a full queue refuses. A modem that is silent to three probes is dead: told once, then CLOSED
 * Progress   never blocks; every loop is over one read or one queue
 * Trust      the modem may send anything at any time
 * Source     ITU-T V.250 5.4 to 5.7 and 5.6.1 (abort), 6.2.9 (escape)
 */
#ifndef CALLFAN_ADAPTERS_MODEM_CHAT_H
#define CALLFAN_ADAPTERS_MODEM_CHAT_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/modem/at.h"
#include "adapters/modem/counters.h"

enum {
    CF_CHAT_TEXT_MAX = 128, /* a command without its CR */
    CF_CHAT_QUEUE_MAX = 24,
    CF_CHAT_PROBES = 3,
    CF_CHAT_SIM_TRIES = 10, /* of an initial command that finds the SIM busy */
};
#define CF_CHAT_NEVER INT64_MAX

enum cf_chat_kind {
    CF_CHAT_PROBE,
    CF_CHAT_INIT,
    CF_CHAT_PIN,
    CF_CHAT_DIAL,
    CF_CHAT_ANSWER,
    CF_CHAT_HANG_UP,
    CF_CHAT_HOLDING, /* +CHLD */
    CF_CHAT_LIST,    /* +CLCC */
    CF_CHAT_WHY,     /* +CEER */
    CF_CHAT_DIGIT,   /* +VTS */
    CF_CHAT_KINDS_COUNT,
};

struct cf_chat_command {
    enum cf_chat_kind kind;
    bool data;       /* CONNECT leads into a data call */
    uint32_t serial; /* of the call it is for, 0: none */
    char text[CF_CHAT_TEXT_MAX + 1];
};

struct cf_chat_config {
    const char *init; /* divided by '|' */
    bool numeric;     /* ATV0 */
    int64_t command_ns;
    int64_t dial_ns; /* ATD, ATA */
    int64_t settle_ns;
    int64_t guard_ns; /* silence before and after +++ */
};

/* All are called from within the functions below; they may call cf_chat_send(), _cancel(), _abort() and _escape(). */
struct cf_chat_callbacks {
    void (*write)(void *context, const char *bytes, uint32_t len);
    void (*result)(void *context, const struct cf_chat_command *command, enum cf_at_result result,
                   const struct cf_at_line *line); /* line: NULL where the modem sent none */
    /* An unsolicited line or one that belongs to the command in the modem: URCs, results of calls, texts of +CEER. */
    void (*line)(void *context, const struct cf_at_line *line, const struct cf_chat_command *asked);
    void (*ready)(void *context);
    void (*dead)(void *context);
    void *context;
};

enum cf_chat_state {
    CF_CHAT_CLOSED,
    CF_CHAT_PROBING,
    CF_CHAT_STARTING,
    CF_CHAT_READY,
    CF_CHAT_ONLINE,
    CF_CHAT_ESCAPING,
};

struct cf_chat {
    struct cf_chat_config config;
    struct cf_chat_callbacks callbacks;
    struct cf_modem_counters *counters;
    struct cf_at_parser parser;
    enum cf_chat_state state;
    int64_t now;  /* of the call in progress */
    int64_t due;  /* of the command in the modem, or of the next step of the escape */
    int64_t rest; /* nothing is sent before */
    int64_t probed;
    int64_t sent;   /* when the command in the modem went there */
    uint64_t sends; /* commands sent so far: what happened before the n-th is known to its answer */
    bool in_flight, aborted, escape_sent;
    bool repeat; /* the last initial command is to be sent again */
    uint8_t probes;
    uint8_t sim_tries;
    const char *init_at; /* next initial command, NULL: ATE0V1 */
    uint8_t first, count;
    struct cf_chat_command command; /* in the modem */
    struct cf_chat_command queue[CF_CHAT_QUEUE_MAX];
};

void cf_chat_init(struct cf_chat *chat, const struct cf_chat_config *config, const struct cf_chat_callbacks *callbacks,
                  struct cf_modem_counters *counters);

/* The device is there: probes it. */
void cf_chat_open(struct cf_chat *chat, int64_t now);

/* The device is gone: what was queued is dropped without a result. */
void cf_chat_close(struct cf_chat *chat);

void cf_chat_receive(struct cf_chat *chat, const uint8_t *bytes, uint32_t len, int64_t now);

/* Does what is due. Returns when to come back. */
int64_t cf_chat_tick(struct cf_chat *chat, int64_t now);

/* Queues a command, at the front of the others or behind them. False: no room. It goes out with the next tick or receive. */
bool cf_chat_send(struct cf_chat *chat, const struct cf_chat_command *command, bool front);

/* Takes back the queued commands of a call and a kind. Returns whether there were any. */
bool cf_chat_cancel(struct cf_chat *chat, enum cf_chat_kind kind, uint32_t serial);

/* True when such a command is queued or in the modem. */
bool cf_chat_has(const struct cf_chat *chat, enum cf_chat_kind kind, uint32_t serial);
bool cf_chat_in_modem(const struct cf_chat *chat, enum cf_chat_kind kind, uint32_t serial);

/* Breaks off the command in the modem by sending a character, as V.250 lets ATD and ATA be. Its result still comes. */
void cf_chat_abort(struct cf_chat *chat);

/* From ONLINE back to commands. Queued commands go out afterwards. */
void cf_chat_escape(struct cf_chat *chat);

/* NULL or which invariant does not hold. No side effects. */
const char *cf_chat_check(const struct cf_chat *chat);

#endif
