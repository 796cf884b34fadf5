/* See cause.h. */
#include "adapters/modem/cause.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "callfan/tapi_const.h"

enum condition {
    ALWAYS,
    IF_ALERTED,   /* `other` when the called party was alerted */
    IF_CONNECTED, /* `other` when the call was answered */
    IF_MISSED,    /* `other` when it came in and was not answered */
};

struct row {
    uint8_t first, last;
    uint32_t mode;
    enum condition condition;
    uint32_t other;
};

#define MODE(name) LINEDISCONNECTMODE_##name

static const struct row cause_rows[] = {
    {1, 1, MODE(BADADDRESS), ALWAYS, 0},  /* unallocated number */
    {2, 3, MODE(UNREACHABLE), ALWAYS, 0}, /* no route */
    {4, 4, MODE(UNKNOWN), ALWAYS, 0},     /* special information tone */
    {5, 5, MODE(BADADDRESS), ALWAYS, 0},  /* misdialled trunk prefix */
    {6, 6, MODE(CONGESTION), ALWAYS, 0},  /* channel unacceptable */
    {8, 8, MODE(BLOCKED), ALWAYS, 0},     /* operator determined barring (24.008) */
    {16, 16, MODE(NORMAL), IF_MISSED, MODE(CANCELLED)},
    {17, 17, MODE(BUSY), ALWAYS, 0}, /* user busy */
    {18, 18, MODE(UNREACHABLE), IF_ALERTED, MODE(NOANSWER)},
    {19, 19, MODE(NOANSWER), ALWAYS, 0},      /* alerted, no answer */
    {20, 20, MODE(UNREACHABLE), ALWAYS, 0},   /* subscriber absent */
    {21, 21, MODE(REJECT), ALWAYS, 0},        /* call rejected */
    {22, 22, MODE(NUMBERCHANGED), ALWAYS, 0}, /* number changed */
    {23, 23, MODE(FORWARDED), ALWAYS, 0},     /* redirection to new destination */
    {24, 24, MODE(BLOCKED), ALWAYS, 0},       /* rejected by a feature at the destination */
    {25, 25, MODE(UNREACHABLE), ALWAYS, 0},   /* exchange routing error */
    {26, 26, MODE(PICKUP), ALWAYS, 0},        /* non-selected user clearing: answered elsewhere */
    {27, 27, MODE(OUTOFORDER), ALWAYS, 0},    /* destination out of order */
    {28, 28, MODE(BADADDRESS), ALWAYS, 0},    /* invalid number format */
    {29, 29, MODE(REJECT), ALWAYS, 0},        /* facility rejected */
    {31, 31, MODE(UNKNOWN), IF_CONNECTED, MODE(NORMAL)},
    {34, 34, MODE(CONGESTION), ALWAYS, 0},   /* no circuit available */
    {38, 38, MODE(UNREACHABLE), ALWAYS, 0},  /* network out of order */
    {41, 41, MODE(TEMPFAILURE), ALWAYS, 0},  /* temporary failure */
    {42, 42, MODE(CONGESTION), ALWAYS, 0},   /* switching equipment congestion */
    {44, 44, MODE(CONGESTION), ALWAYS, 0},   /* requested circuit not available */
    {46, 46, MODE(BLOCKED), ALWAYS, 0},      /* precedence call blocked */
    {47, 47, MODE(CONGESTION), ALWAYS, 0},   /* resource unavailable */
    {49, 49, MODE(QOSUNAVAIL), ALWAYS, 0},   /* quality of service not available */
    {50, 50, MODE(BLOCKED), ALWAYS, 0},      /* facility not subscribed */
    {52, 55, MODE(BLOCKED), ALWAYS, 0},      /* calls barred */
    {57, 57, MODE(BLOCKED), ALWAYS, 0},      /* bearer capability not authorised */
    {58, 58, MODE(INCOMPATIBLE), ALWAYS, 0}, /* bearer capability not available */
    {62, 63, MODE(TEMPFAILURE), ALWAYS, 0},  /* service not available */
    {65, 66, MODE(INCOMPATIBLE), ALWAYS, 0}, /* bearer capability or channel type not implemented */
    {69, 70, MODE(INCOMPATIBLE), ALWAYS, 0},
    {79, 79, MODE(INCOMPATIBLE), ALWAYS, 0},
    {87, 87, MODE(BLOCKED), ALWAYS, 0},      /* not a member of the closed user group */
    {88, 88, MODE(INCOMPATIBLE), ALWAYS, 0}, /* incompatible destination */
    {91, 91, MODE(UNREACHABLE), ALWAYS, 0},  /* invalid transit network */
    {102, 102, MODE(TEMPFAILURE), IF_ALERTED, MODE(NOANSWER)},
};

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

static bool holds(enum condition condition, struct cf_modem_progress progress)
{
    switch (condition) {
    case IF_ALERTED:
        return progress.alerted;
    case IF_CONNECTED:
        return progress.connected;
    case IF_MISSED:
        return progress.incoming && !progress.connected;
    default:
        return false;
    }
}

uint32_t cf_modem_mode_of_cause(unsigned cause, struct cf_modem_progress progress)
{
    for (size_t i = 0; i < COUNT(cause_rows); i++)
        if (cause >= cause_rows[i].first && cause <= cause_rows[i].last)
            return holds(cause_rows[i].condition, progress) ? cause_rows[i].other : cause_rows[i].mode;
    return MODE(UNKNOWN);
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
