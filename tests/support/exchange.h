/*
 * An exchange that the test plays itself: a provider named "test", attached to a running callfand.
 *
 * Overlap    the test's thread alone
 * Errors     whatever fails ends the test
 */
#ifndef CF_TESTS_EXCHANGE_H
#define CF_TESTS_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/provider/port.h"

struct exchange {
    struct cf_provider *provider;
    struct cf_reactor *reactor;
    uint32_t lines;
    uint32_t marker;
    struct {
        struct cf_command kept[64]; /* came while another was waited for */
        unsigned count;
    } waiting;
};

/* Attaches with that many lines, which can do everything that TAPI functions here ask of calls. The section of callfand's configuration is
 * EXCHANGE_SECTION. */
#define EXCHANGE_SECTION "provider test { }\n"
void exchange_attach(struct exchange *x, uint32_t lines);

/* Leaves as a provider that dies does. */
void exchange_detach(struct exchange *x);

/* A new call on a line, and how the core learns it. */
uint64_t exchange_call(struct exchange *x, uint32_t line, uint32_t state, const char *caller, const char *called);
void exchange_state(struct exchange *x, uint64_t call, uint32_t state, uint32_t mode);
void exchange_line_close(struct exchange *x, uint32_t line);
void exchange_line_remove(struct exchange *x, uint32_t line);

/* DISCONNECTED(NORMAL) and IDLE. */
void exchange_end(struct exchange *x, uint64_t call);

/* The next command with this id; others that come before are kept for later calls. */
struct cf_command exchange_command(struct exchange *x, uint16_t id);

/* The same for one call: CF_CMD_CLOSE_CALL, CF_CMD_DROP ... and nothing of another call. */
struct cf_command exchange_command_of(struct exchange *x, uint16_t id, uint64_t call);

/* True when such a command has come. Does not wait. */
bool exchange_has(struct exchange *x, uint16_t id, uint64_t call);

void exchange_reply(struct exchange *x, const struct cf_command *c, int32_t result, uint64_t call);

/* Makes the line tell LINEDEVSTATE_OTHER with a new number as detail, which is returned. */
uint32_t exchange_mark(struct exchange *x, uint32_t line);

#endif
