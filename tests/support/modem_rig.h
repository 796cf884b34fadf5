/*
 * A modem's state machine without a device: a script plays the modem, the core and the clock.
 *
 * Script     one step per string, up to NULL:
 *              "< RING"              the modem says a line (CR LF around it)
 *              "<< text"             bytes as they are; \r \n \x.. as the compiler made them
 *              "> ATA"               this command is the next that the modem gets ("> \r" a lone CR, "> +++", "> \x1b"), within a second; ">! ATA" now
 *              "~"                   the modem got no other
 *              "+ 500"               so many ms pass
 *              "! answer 0"          the core's command for call 0: accept answer drop hold unhold digits forget refuse retry, and
 *                                    "! dial 0 DESTINATION [data]"
 *              "= 0 OCDI"            all states of call 0 so far (letters of modem_core.h); "= 0" none
 *              "mode 0 NORMAL"       of DISCONNECTED; "cause 0 Q.850 16"
 *              "reply 0"             the newest reply was success; "reply INVALCALLSTATE" ...; "replies 2" so many in all
 *              "caller 0 5550"       number of call 0 as last told; "calls 1" so many in all; "live 1" in the modem
 *              "rings 2"  "service 1"  "dead 1"
 *              "vanish" "open"       the device; "listen" somebody opens the line; "void" another core;
 *            "end" the program hangs up everything
 *            After every step the invariants are checked
 */
#ifndef CF_TESTS_MODEM_RIG_H
#define CF_TESTS_MODEM_RIG_H

#include "adapters/modem/modem.h"

enum { RIG_CALLS = 1024, RIG_WRITTEN = 1 << 16 };

struct modem_rig_call {
    char states[40];
    unsigned states_count;
    uint32_t mode, serial;
    char cause[CF_MODEM_CAUSE_MAX], number[CF_MODEM_NUMBER_MAX];
    unsigned infos;
    bool ended, forgotten;
};

struct modem_rig {
    struct cf_modem modem;
    struct cf_modem_config config;
    int64_t now;
    char written[RIG_WRITTEN];
    unsigned written_len, read_at;
    struct modem_rig_call call[RIG_CALLS];
    unsigned calls;
    unsigned replies, asked;
    uint64_t number;
    int32_t result; /* of the newest reply */
    bool replied[65536];
    unsigned rings, service, dead;
    bool refuse_offers; /* the core cannot be told */
    bool broken;        /* an invariant does not hold; why says which */
    char why[160];
};

/* Settings of real life; change rig->config, then begin. */
void modem_rig_init(struct modem_rig *rig, enum cf_modem_profile_id profile);
/* Opens the device; ready: answers everything until it is. */
void modem_rig_begin(struct modem_rig *rig, bool ready);
void modem_rig_play(struct modem_rig *rig, const char *const *script);

/* In a script: the list of calls is asked for and has these rows; none: it is empty. */
#define LIST(...) "> AT+CLCC", ##__VA_ARGS__, "< OK"

/* A rig whose modem is in service. */
void modem_rig_open(struct modem_rig *rig, enum cf_modem_profile_id profile);
/* The same, of a GSM modem: call 0 came in and was answered. */
void modem_rig_active_call(struct modem_rig *rig);
/* The same, and call 1 waits. */
void modem_rig_waiting_call(struct modem_rig *rig);

/* The parts, for whoever drives it without a script. They set broken instead of failing a test. */
void modem_rig_feed(struct modem_rig *rig, const void *bytes, size_t len);
void modem_rig_pass(struct modem_rig *rig, int64_t ms);
struct cf_modem_call *modem_rig_find(struct modem_rig *rig, unsigned call);
void modem_rig_dial(struct modem_rig *rig, const char *destination, size_t len, bool data);
void modem_rig_order(struct modem_rig *rig, unsigned call, const char *what, const char *digits);
/* Whether every call has ended and every command was replied to. */
bool modem_rig_settled(struct modem_rig *rig);

#endif
