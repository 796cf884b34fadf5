#include "adapters/sip/cause.h"

#include <stdio.h>

#include "callfan/tapi_const.h"

#define MODE(name) LINEDISCONNECTMODE_##name

/* `alerted` instead of `mode` when the called party was alerted; 0: always `mode`. */
static const struct {
    uint16_t first, last;
    uint32_t mode, alerted;
} status_rows[] = {
    {301, 301, MODE(NUMBERCHANGED), 0},
    {302, 302, MODE(FORWARDED), 0},
    {400, 400, MODE(TEMPFAILURE), 0},
    {401, 402, MODE(REJECT), 0},
    {403, 403, MODE(BLOCKED), 0},
    {404, 404, MODE(BADADDRESS), 0},
    {405, 406, MODE(INCOMPATIBLE), 0},
    {407, 407, MODE(REJECT), 0},
    {408, 408, MODE(UNREACHABLE), MODE(NOANSWER)},
    {410, 410, MODE(NUMBERCHANGED), 0},
    {415, 415, MODE(INCOMPATIBLE), 0},
    {416, 416, MODE(BADADDRESS), 0},
    {420, 421, MODE(INCOMPATIBLE), 0},
    {433, 433, MODE(BLOCKED), 0},
    {480, 480, MODE(UNREACHABLE), MODE(NOANSWER)},
    {481, 481, MODE(TEMPFAILURE), 0},
    {482, 483, MODE(UNREACHABLE), 0},
    {484, 485, MODE(BADADDRESS), 0},
    {486, 486, MODE(BUSY), 0},
    {487, 487, MODE(CANCELLED), 0},
    {488, 488, MODE(INCOMPATIBLE), 0},
    {491, 491, MODE(TEMPFAILURE), 0},
    {500, 500, MODE(TEMPFAILURE), 0},
    {501, 501, MODE(INCOMPATIBLE), 0},
    {502, 502, MODE(OUTOFORDER), 0},
    {503, 503, MODE(CONGESTION), 0},
    {504, 504, MODE(TEMPFAILURE), 0},
    {505, 505, MODE(INCOMPATIBLE), 0},
    {513, 513, MODE(TEMPFAILURE), 0},
    {580, 580, MODE(QOSUNAVAIL), 0},
    {600, 600, MODE(BUSY), 0},
    {603, 603, MODE(REJECT), 0},
    {604, 604, MODE(BADADDRESS), 0},
    {606, 606, MODE(INCOMPATIBLE), 0},
    {607, 607, MODE(REJECT), 0},
    {608, 608, MODE(BLOCKED), 0},
};

uint32_t cf_sip_mode_of_status(unsigned status, struct cf_q850_progress progress)
{
    for (unsigned i = 0; i < sizeof(status_rows) / sizeof(status_rows[0]); i++)
        if (status >= status_rows[i].first && status <= status_rows[i].last)
            return progress.alerted && status_rows[i].alerted != 0 ? status_rows[i].alerted : status_rows[i].mode;
    return MODE(UNKNOWN);
}

uint32_t cf_sip_mode_of(const struct cf_sip_cause *cause, struct cf_q850_progress progress)
{
    if (cause->q850 != 0)
        return cf_q850_mode(cause->q850, progress);
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
