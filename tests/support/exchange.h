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
    struct cf_command last; /* whose texts are still used */
};

/* Attaches with that many lines, which can do everything that TAPI functions here ask, but for line EXCHANGE_PLAIN_LINE, which can make,
 * accept, answer and drop calls. Only line 1 waits for dial tones and the like ($, @, W), only line 0 has pickup groups and may
 * consult for forwarding. The section of callfand's configuration is
 * EXCHANGE_SECTION. */
#define EXCHANGE_PLAIN_LINE 3
#define EXCHANGE_SECTION "provider test { }\n"
/* The same, of an exchange that takes its commands when the test wants one, however long that takes. */
#define EXCHANGE_SECTION_PATIENT "provider_hang_seconds = 0\n" EXCHANGE_SECTION
void exchange_attach(struct exchange *x, uint32_t lines);

/* The same with no more than that many commands taken and not yet answered. */
void exchange_attach_small(struct exchange *x, uint32_t lines, uint32_t commands_max);

/* Leaves as a provider that dies does. */
void exchange_detach(struct exchange *x);

/* A new call on a line, and how the core learns it. */
uint64_t exchange_call(struct exchange *x, uint32_t line, uint32_t state, const char *caller, const char *called);
/* The same with media modes, and on one of the line's addresses. */
uint64_t exchange_call_media(struct exchange *x, uint32_t line, uint32_t address, uint32_t state, uint32_t media_modes);
void exchange_state(struct exchange *x, uint64_t call, uint32_t state, uint32_t mode);
/* The line has so many addresses from now on. */
void exchange_addresses(struct exchange *x, uint32_t line, uint32_t addresses);
void exchange_address_state(struct exchange *x, uint32_t line, uint32_t address, uint32_t address_states);
void exchange_forwarding(struct exchange *x, uint32_t line, uint32_t address, uint32_t rings, struct cf_text list);
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

/* Success, with a park address or bytes for who asked. */
void exchange_reply_text(struct exchange *x, const struct cf_command *c, const char *text);

/* LINECALLINFOSTATE_ bits, with one field. */
void exchange_info(struct exchange *x, uint64_t call, uint32_t bits, uint16_t tag, const void *data, uint32_t bytes);

/* A command's text is that string. */
bool exchange_text_is(struct cf_text text, const char *string);

/* Success, with the two new calls of lineSetupConference. */
void exchange_reply_two(struct exchange *x, const struct cf_command *c, uint64_t first, uint64_t second);

/* The reply to CF_CMD_GATHER_DIGITS: LINEGATHERTERM_. */
void exchange_gathered(struct exchange *x, const struct cf_command *c, uint32_t how, const char *digits);

/* CF_EV_DIGIT, CF_EV_MEDIA or CF_EV_TONE. */
void exchange_hears(struct exchange *x, uint64_t call, uint16_t event, uint32_t what, uint32_t detail);

/* CONFERENCED, a member of the conference that parent stands for (0: which is not said). */
void exchange_conferenced(struct exchange *x, uint64_t call, uint64_t parent);

/* Makes the line tell LINEDEVSTATE_OTHER with a new number as detail, which is returned. */
uint32_t exchange_mark(struct exchange *x, uint32_t line);

#endif
