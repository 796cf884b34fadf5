/*
 * Fuzz entry of a modem's whole state machine: bytes of the modem, commands of the core, time and the device, as the input says.
 * However it goes, the invariants hold after every step, and when the device has gone every announced call has ended
 * exactly once and every command was replied to exactly once.
 *
 * The input: a byte of settings, then steps of an opcode and its operands.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/modem_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct modem_rig rig;

static const char *const sayings[] = {
    "OK",
    "ERROR",
    "RING",
    "+CRING: VOICE",
    "+CRING: ASYNC",
    "+CLIP: \"5550\",129",
    "+CLIP: \"777\",129",
    "+CCWA: \"4711\",129,1",
    "NO CARRIER",
    "BUSY",
    "NO ANSWER",
    "NO DIALTONE",
    "CONNECT",
    "CONNECT 9600",
    "BLACKLISTED",
    "+CME ERROR: 30",
    "+CLCC: 1,1,4,0,0",
    "+CLCC: 1,1,0,0,0",
    "+CLCC: 1,1,1,0,0",
    "+CLCC: 2,1,5,0,0",
    "+CLCC: 2,1,0,0,0",
    "+CLCC: 1,0,2,0,0",
    "+CLCC: 1,0,3,0,0",
    "+CLCC: 1,0,0,0,0",
    "+CLCC: 2,0,0,0,1",
    "+CLCC: 3,0,0,1,0",
    "+CLCC: 1,0,6,0,0",
    "+CREG: 1",
    "+CREG: 2",
    "+CREG: 1,1",
    "+CEER: 17",
    "+CSSU: 2",
    "+CSSU: 3",
    "+CSSU: 0",
    "+CSSI: 5",
    "^ORIG:1,0",
    "^CONF:1",
    "^CONN:1,0",
    "^CEND:1,0,0,16",
    "+CPIN: SIM PIN",
    "+COLP: \"1\",129",
    "NMBR = 1",
    "> ",
};

static const char *const orders[] = {"answer", "drop",   "accept", "hold", "unhold",
                                     "digits", "forget", "refuse", "retry"};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void say(const char *text)
{
    char line[64];
    const int n = snprintf(line, sizeof(line), "\r\n%s\r\n", text);
    modem_rig_feed(&rig, line, (size_t)n);
}

/* Answers what the modem was asked until nothing is left to be asked: so that inputs get far. */
static void agree(void)
{
    for (unsigned i = 0; i < 24 && rig.modem.chat.in_flight; i++) {
        if (rig.modem.chat.command.kind == CF_CHAT_INIT)
            say("+CREG: 1,1");
        say("OK");
        modem_rig_pass(&rig, 200);
    }
}

/* Takes one step from the input. Returns the bytes it took. */
static size_t step(const uint8_t *at, size_t left)
{
    const uint8_t op = at[0] % 16, operand = left > 1 ? at[1] : 0;
    if (op < 6) {
        say(sayings[operand % COUNT(sayings)]);
        return 2;
    }
    if (op < 9) {
        const unsigned back = operand >> 5;
        modem_rig_order(&rig, rig.calls > back ? rig.calls - 1 - back : back, orders[(operand & 31) % COUNT(orders)],
                        "12#");
        return 2;
    }
    switch (op) {
    case 9:
        modem_rig_dial(&rig, "123", 3, (operand & 1) != 0);
        break;
    case 10:
        modem_rig_pass(&rig, (int64_t)operand * operand / 4);
        break;
    case 11:
        agree();
        return 1;
    case 12: { /* as many raw bytes as there are */
        const size_t n = operand % 32 < left - 1 ? operand % 32 : left - 1;
        modem_rig_feed(&rig, at + 1, n);
        return 1 + n;
    }
    case 13:
        if (rig.modem.open)
            cf_modem_vanished(&rig.modem, rig.now);
        return 1;
    case 14:
        if (!rig.modem.open)
            cf_modem_opened(&rig.modem, rig.now);
        cf_modem_offer_unheard(&rig.modem, rig.now);
        return 1;
    default:
        rig.refuse_offers = (operand & 1) != 0;
    }
    return 2;
}

static void must_hold(void)
{
    if (!rig.broken)
        return;
    fprintf(stderr, "%s\n", rig.why);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 4096)
        return 0;
    modem_rig_init(&rig, (data[0] & 1) != 0 ? CF_MODEM_V250 : CF_MODEM_GSM);
    rig.config.numeric = (data[0] & 2) != 0;
    rig.config.waiting_releases = (data[0] & 4) != 0;
    rig.config.linger_ns = (data[0] & 8) != 0 ? 1000000000 : 0;
    rig.config.pin = (data[0] & 16) != 0 ? "1234" : NULL;
    modem_rig_begin(&rig, false);
    if ((data[0] & 32) == 0)
        agree();
    for (size_t i = 1; i < size; i += step(data + i, size - i)) {
        if ((data[0] & 64) == 0)
            modem_rig_pass(&rig, 0);
        must_hold();
    }
    if ((data[0] & 128) != 0)
        modem_rig_pass(&rig, 400000); /* a silent modem is found dead by itself */
    if (rig.modem.open)
        cf_modem_vanished(&rig.modem, rig.now);
    modem_rig_pass(&rig, 0);
    must_hold();
    if (!modem_rig_settled(&rig)) {
        fprintf(stderr, "a call or a command was left without an end: %u replies to %u commands\n", rig.replies,
                rig.asked);
        abort();
    }
    return 0;
}
