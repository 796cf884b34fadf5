#include "apps/callfan/pace.h"

void cf_tool_pace_init(struct cf_tool_pace *p, double rate, int64_t now_ns)
{
    *p = (struct cf_tool_pace){.interval_ns = rate > 0 ? (int64_t)(1e9 / rate) : 0, .next_ns = now_ns};
}

bool cf_tool_pace_take(struct cf_tool_pace *p, int64_t now_ns)
{
    if (p->next_ns > now_ns)
        return false;
    if (p->next_ns < now_ns - CF_TOOL_PACE_DEBT_NS)
        p->next_ns = now_ns - CF_TOOL_PACE_DEBT_NS;
    p->next_ns += p->interval_ns;
    return true;
}

void cf_tool_pace_return(struct cf_tool_pace *p)
{
    p->next_ns -= p->interval_ns;
}
