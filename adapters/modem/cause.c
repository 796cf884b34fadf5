/* See cause.h. */
#include "adapters/modem/cause.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "callfan/tapi_const.h"

#define MODE(name) LINEDISCONNECTMODE_##name

enum { OPERATOR_DETERMINED_BARRING = 8 }; /* of 24.008; Q.850 gives the number another meaning */

static const uint32_t result_modes[] = {
    [CF_AT_OK] = MODE(NORMAL),
    [CF_AT_CONNECT] = MODE(NORMAL),
    [CF_AT_NO_CARRIER] = MODE(UNKNOWN),
    [CF_AT_ERROR] = MODE(TEMPFAILURE),
    [CF_AT_NO_DIALTONE] = MODE(NODIALTONE),
    [CF_AT_BUSY] = MODE(BUSY),
    [CF_AT_NO_ANSWER] = MODE(NOANSWER),
    [CF_AT_BLACKLISTED] = MODE(BLOCKED),
    [CF_AT_DELAYED] = MODE(BLOCKED),
    [CF_AT_CME_ERROR] = MODE(TEMPFAILURE),
    [CF_AT_TIMEOUT] = MODE(UNKNOWN),
    [CF_AT_ABORTED] = MODE(CANCELLED),
};

/* Searched in this order, so that the longer of two comes first. */
static const struct {
    const char *words;
    uint8_t cause;
} report_rows[] = {
    {"normal call clearing", 16},
    {"normal clearing", 16},
    {"client ended call", 16},
    {"normal, unspecified", 31},
    {"normal unspecified", 31},
    {"user busy", 17},
    {"no user responding", 18},
    {"user alerting, no answer", 19},
    {"no answer", 19},
    {"call rejected", 21},
    {"number changed", 22},
    {"pre-emption", 25},
    {"non-selected user clearing", 26},
    {"destination out of order", 27},
    {"invalid number format", 28},
    {"facility rejected", 29},
    {"unassigned", 1},
    {"unallocated", 1},
    {"no route", 3},
    {"operator determined barring", 8},
    {"no circuit", 34},
    {"network out of order", 38},
    {"temporary failure", 41},
    {"switching equipment congestion", 42},
    {"resources unavailable", 47},
    {"barred", 55},
    {"bearer capability not authorized", 57},
    {"incompatible destination", 88},
    {"recovery on timer expiry", 102},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
static_assert(COUNT(result_modes) == CF_AT_ABORTED + 1, "a mode for every result");

uint32_t cf_modem_mode_of_cause(unsigned cause, struct cf_q850_progress progress)
{
    return cause == OPERATOR_DETERMINED_BARRING ? MODE(BLOCKED) : cf_q850_mode(cause, progress);
}

uint32_t cf_modem_mode_of_result(enum cf_at_result result)
{
    return (size_t)result < COUNT(result_modes) ? result_modes[result] : MODE(UNKNOWN);
}

/* ------------------------------------------------------------------ reports */

/* The place just after `words` in text, NULL when they are not in it. */
static const char *after(const char *text, uint32_t len, const char *words)
{
    const uint32_t words_len = (uint32_t)strlen(words);
    for (uint32_t at = 0; at + words_len <= len; at++)
        if (strncasecmp(text + at, words, words_len) == 0)
            return text + at + words_len;
    return NULL;
}

/* The first number 1..127 of the text that is a word of its own. */
static unsigned first_number(const char *text, const char *end)
{
    while (text < end) {
        unsigned value = 0, digits = 0;
        const char *begin = text;
        for (; text < end && *text >= '0' && *text <= '9'; text++, digits++)
            value = digits < 4 ? value * 10 + (unsigned)(*text - '0') : 1000;
        if (digits > 0 && value >= 1 && value <= 127)
            return value;
        if (text == begin)
            text++;
    }
    return 0;
}

unsigned cf_modem_cause_of_report(const char *text, uint32_t len)
{
    const char *end = text + len;
    for (const char *at = text, *next; (next = after(at, (uint32_t)(end - at), "cause:")) != NULL; at = next)
        if (first_number(next, end) != 0 && after(next, (uint32_t)(end - next), "cause:") == NULL)
            return first_number(next, end);
    const unsigned number = first_number(text, end);
    if (number != 0)
        return number;
    for (size_t i = 0; i < COUNT(report_rows); i++)
        if (after(text, len, report_rows[i].words) != NULL)
            return report_rows[i].cause;
    return 0;
}
