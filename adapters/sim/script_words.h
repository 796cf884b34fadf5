/*
 * The words of scripts: names of states, modes, reasons, commands and errors, and what they mean.
 */
#ifndef CF_SIM_SCRIPT_WORDS_H
#define CF_SIM_SCRIPT_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/provider/port.h"

struct cf_script_word {
    const char *name;
    uint32_t value;
};

/* Tables ended by a NULL name. */
extern const struct cf_script_word cf_script_states[], cf_script_reasons[], cf_script_origins[], cf_script_commands[],
    cf_script_errors[], cf_script_line_states[], cf_script_address_states[], cf_script_digit_modes[], cf_script_media[],
    cf_script_treatments[], cf_script_forward_modes[];

/* The modes of a state; an empty table where it has none. */
const struct cf_script_word *cf_script_modes(uint32_t state);

/* Finds a name, in any case of letters. */
bool cf_script_word_find(const struct cf_script_word *table, struct cf_text name, uint32_t *ret_value);

#endif
