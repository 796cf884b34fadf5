/* See q850.h. */
#include "adapters/provider/q850.h"

#include <stddef.h>

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

static const struct row rows[] = {
    {1, 1, MODE(BADADDRESS), ALWAYS, 0},  /* unallocated number */
    {2, 3, MODE(UNREACHABLE), ALWAYS, 0}, /* no route */
    {4, 4, MODE(UNKNOWN), ALWAYS, 0},     /* special information tone */
    {5, 5, MODE(BADADDRESS), ALWAYS, 0},  /* misdialled trunk prefix */
    {6, 6, MODE(CONGESTION), ALWAYS, 0},  /* channel unacceptable */
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
    {65, 66, MODE(INCOMPATIBLE), ALWAYS, 0}, /* bearer capability or channel type unknown to the far end */
    {69, 70, MODE(INCOMPATIBLE), ALWAYS, 0},
    {79, 79, MODE(INCOMPATIBLE), ALWAYS, 0},
    {87, 87, MODE(BLOCKED), ALWAYS, 0},      /* not a member of the closed user group */
    {88, 88, MODE(INCOMPATIBLE), ALWAYS, 0}, /* incompatible destination */
    {91, 91, MODE(UNREACHABLE), ALWAYS, 0},  /* invalid transit network */
    {102, 102, MODE(TEMPFAILURE), IF_ALERTED, MODE(NOANSWER)},
};

static bool holds(enum condition condition, struct cf_q850_progress progress)
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

uint32_t cf_q850_mode(unsigned cause, struct cf_q850_progress progress)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (cause >= rows[i].first && cause <= rows[i].last)
            return holds(rows[i].condition, progress) ? rows[i].other : rows[i].mode;
    return MODE(UNKNOWN);
}
