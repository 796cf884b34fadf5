#include "adapters/sip/cause.h"

#include <stdio.h>

#include "callfan/tapi_const.h"

enum condition {
    ALWAYS,
    IF_ALERTED,   /* `other` when the called party was alerted */
    IF_CONNECTED, /* `other` when the call was answered */
};

struct row {
    uint16_t first, last;
    uint32_t mode;
    enum condition condition;
    uint32_t other;
};

#define MODE(name) LINEDISCONNECTMODE_##name

static const struct row q850_rows[] = {
    {1, 1, MODE(BADADDRESS), ALWAYS, 0},  /* unallocated number */
    {2, 3, MODE(UNREACHABLE), ALWAYS, 0}, /* no route */
    {4, 4, MODE(UNKNOWN), ALWAYS, 0},     /* special information tone */
    {5, 5, MODE(BADADDRESS), ALWAYS, 0},  /* misdialled trunk prefix */
    {6, 6, MODE(CONGESTION), ALWAYS, 0},  /* channel unacceptable */
    {16, 16, MODE(CANCELLED), IF_CONNECTED, MODE(NORMAL)},
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

static const struct row status_rows[] = {
    {301, 301, MODE(NUMBERCHANGED), ALWAYS, 0},
    {302, 302, MODE(FORWARDED), ALWAYS, 0},
    {400, 400, MODE(TEMPFAILURE), ALWAYS, 0},
    {401, 402, MODE(REJECT), ALWAYS, 0},
    {403, 403, MODE(BLOCKED), ALWAYS, 0},
    {404, 404, MODE(BADADDRESS), ALWAYS, 0},
    {405, 406, MODE(INCOMPATIBLE), ALWAYS, 0},
    {407, 407, MODE(REJECT), ALWAYS, 0},
    {408, 408, MODE(UNREACHABLE), IF_ALERTED, MODE(NOANSWER)},
    {410, 410, MODE(NUMBERCHANGED), ALWAYS, 0},
    {415, 415, MODE(INCOMPATIBLE), ALWAYS, 0},
    {416, 416, MODE(BADADDRESS), ALWAYS, 0},
    {420, 421, MODE(INCOMPATIBLE), ALWAYS, 0},
    {433, 433, MODE(BLOCKED), ALWAYS, 0},
    {480, 480, MODE(UNREACHABLE), IF_ALERTED, MODE(NOANSWER)},
    {481, 481, MODE(TEMPFAILURE), ALWAYS, 0},
    {482, 483, MODE(UNREACHABLE), ALWAYS, 0},
    {484, 485, MODE(BADADDRESS), ALWAYS, 0},
    {486, 486, MODE(BUSY), ALWAYS, 0},
    {487, 487, MODE(CANCELLED), ALWAYS, 0},
    {488, 488, MODE(INCOMPATIBLE), ALWAYS, 0},
    {491, 491, MODE(TEMPFAILURE), ALWAYS, 0},
    {500, 500, MODE(TEMPFAILURE), ALWAYS, 0},
    {501, 501, MODE(INCOMPATIBLE), ALWAYS, 0},
    {502, 502, MODE(OUTOFORDER), ALWAYS, 0},
    {503, 503, MODE(CONGESTION), ALWAYS, 0},
    {504, 504, MODE(TEMPFAILURE), ALWAYS, 0},
    {505, 505, MODE(INCOMPATIBLE), ALWAYS, 0},
    {513, 513, MODE(TEMPFAILURE), ALWAYS, 0},
    {580, 580, MODE(QOSUNAVAIL), ALWAYS, 0},
    {600, 600, MODE(BUSY), ALWAYS, 0},
    {603, 603, MODE(REJECT), ALWAYS, 0},
    {604, 604, MODE(BADADDRESS), ALWAYS, 0},
    {606, 606, MODE(INCOMPATIBLE), ALWAYS, 0},
    {607, 607, MODE(REJECT), ALWAYS, 0},
    {608, 608, MODE(BLOCKED), ALWAYS, 0},
};

static uint32_t look_up(const struct row *rows, unsigned count, unsigned code, struct cf_sip_progress progress)
{
    for (unsigned i = 0; i < count; i++) {
        if (code < rows[i].first || code > rows[i].last)
            continue;
        const bool other = (rows[i].condition == IF_ALERTED && (progress.alerted || progress.connected)) ||
                           (rows[i].condition == IF_CONNECTED && progress.connected);
        return other ? rows[i].other : rows[i].mode;
    }
    return MODE(UNKNOWN);
}

uint32_t cf_sip_mode_of_q850(unsigned cause, struct cf_sip_progress progress)
{
    return look_up(q850_rows, sizeof(q850_rows) / sizeof(q850_rows[0]), cause, progress);
}

uint32_t cf_sip_mode_of_status(unsigned status, struct cf_sip_progress progress)
{
    return look_up(status_rows, sizeof(status_rows) / sizeof(status_rows[0]), status, progress);
}

uint32_t cf_sip_mode_of(const struct cf_sip_cause *cause, struct cf_sip_progress progress)
{
    if (cause->q850 != 0)
        return cf_sip_mode_of_q850(cause->q850, progress);
    if (cause->reason == 200 && cause->ending == CF_SIP_ENDING_CANCEL)
        return MODE(PICKUP); /* "Call completed elsewhere" */
    if (cause->reason >= 300)
        return cf_sip_mode_of_status(cause->reason, progress);
    switch (cause->ending) {
    case CF_SIP_ENDING_BYE:
        return MODE(NORMAL);
    case CF_SIP_ENDING_CANCEL:
        return MODE(CANCELLED);
    case CF_SIP_ENDING_STATUS:
        return cf_sip_mode_of_status(cause->status, progress);
    case CF_SIP_ENDING_TIMEOUT:
        return MODE(TEMPFAILURE);
    case CF_SIP_ENDING_UNREACHABLE:
        return MODE(UNREACHABLE);
    }
    return MODE(UNKNOWN);
}

unsigned cf_sip_cause_text(const struct cf_sip_cause *cause, char text[24])
{
    int len = 0;
    if (cause->q850 != 0)
        len = snprintf(text, 24, "Q.850 %u", cause->q850);
    else if (cause->reason != 0)
        len = snprintf(text, 24, "SIP %u", cause->reason);
    else if (cause->status != 0)
        len = snprintf(text, 24, "SIP %u", cause->status);
    else if (cause->ending == CF_SIP_ENDING_BYE)
        len = snprintf(text, 24, "SIP BYE");
    else if (cause->ending == CF_SIP_ENDING_CANCEL)
        len = snprintf(text, 24, "SIP CANCEL");
    else if (cause->ending == CF_SIP_ENDING_UNREACHABLE)
        len = snprintf(text, 24, "SIP unreachable");
    else
        len = snprintf(text, 24, "SIP timeout");
    return (unsigned)len;
}
