/*
 * A modem on a pseudo terminal, with a network behind it that does what its script says.
 *
 * Shape      the test's thread turns it; nothing in it waits. Progress of an outgoing call is driven by the questions it is asked (+CLCC), not by
 *            time: it alerts after it was seen dialling, it is answered after it was seen alerting
 * Script     the first digit of a dialled number says what becomes of it: enum modem_fate
 */
#ifndef CF_TESTS_MODEM_EMULATOR_H
#define CF_TESTS_MODEM_EMULATOR_H

#include <stdbool.h>
#include <stdint.h>

enum { MODEM_CALLS = 8, MODEM_OUT = 8192, MODEM_LINE = 256 };

enum modem_fate {
    FATE_ANSWERED = '1',
    FATE_BUSY = '2',
    FATE_NO_ANSWER = '3',
    FATE_NO_CARRIER = '4', /* cause 1 */
    FATE_NO_DIALTONE = '5',
    FATE_ERROR = '6',
    FATE_RINGS_ON = '7', /* until it is hung up */
    FATE_BLACKLISTED = '8',
    FATE_DELAYED = '9',
    FATE_NEVER = '0', /* ATD without a result until it is broken off */
};

struct modem_call {
    bool used, incoming, data, multiparty;
    int stat;  /* of +CLCC */
    bool seen; /* in this state by +CLCC */
    char fate;
    char number[32];
};

struct modem_emulator {
    int master;
    char link[128]; /* the path that stays the same */
    bool analogue;  /* no +CLCC, +CHLD, +CEER; ATH while it rings does nothing */
    bool echo_stays, echo, numeric, split, noise, online;
    bool mute;          /* takes commands and says nothing */
    bool creg_is_asked; /* answers +CREG? as not registered until modem_register() */
    bool other_call;    /* a data call of another port stands in +CLCC */
    const char *pin;    /* asked for */
    uint64_t seed;
    int cause;                           /* of +CEER */
    struct modem_call call[MODEM_CALLS]; /* index is the id; 0 unused */
    char pending;                        /* 'D': a dialled data call waits for its result */
    char line[MODEM_LINE];
    unsigned line_len, plus;
    char out[MODEM_OUT];
    unsigned out_len;
    char digits[64];
    unsigned commands, pins;
    char last[MODEM_LINE]; /* command */
    char log[16384];       /* commands, each followed by a newline; begins anew when full */
};

/* Makes the terminal and link, a symbolic link to it. */
void modem_open(struct modem_emulator *e, const char *link);
/* Pulls the device: the terminal hangs up and the link is gone. */
void modem_vanish(struct modem_emulator *e);
/* Plugs it in again, as a modem that was switched on anew. */
void modem_return(struct modem_emulator *e);
void modem_close(struct modem_emulator *e);

/* Reads commands, answers, writes what is due. Does not wait. */
void modem_turn(struct modem_emulator *e);

/* What the network does. A call's id, 0: no room. */
int modem_incoming(struct modem_emulator *e, const char *number, bool data);
void modem_ring(struct modem_emulator *e, int id); /* RING or +CCWA, with +CLIP */
void modem_remote_hangs_up(struct modem_emulator *e, int id, int cause);
void modem_caller_gives_up(struct modem_emulator *e, int id); /* says nothing */
int modem_find(const struct modem_emulator *e, int stat);     /* the first call in this state, 0: none */
unsigned modem_calls(const struct modem_emulator *e);

/* A line as it is, between CR LF. */
void modem_say(struct modem_emulator *e, const char *text);
/* A result code, in words or as a number. */
void modem_result(struct modem_emulator *e, const char *words);

#endif
