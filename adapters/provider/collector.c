/* See collector.h. */
#include "adapters/provider/collector.h"

#include <string.h>

static int64_t after(int64_t now_ns, uint32_t ms)
{
    return ms == 0 ? CF_REACTOR_NEVER : now_ns + (int64_t)ms * CF_NS_PER_MS;
}

void cf_collector_begin(struct cf_collector *c, const struct cf_command *command, int64_t now_ns)
{
    *c = (struct cf_collector){
        .number = command->number,
        .call = command->call,
        .due_ns = after(now_ns, command->first_ms),
        .modes = command->digit_mode,
        .wanted = command->digits_wanted < CF_GATHER_MAX ? command->digits_wanted : CF_GATHER_MAX,
        .between_ms = command->between_ms,
    };
    for (uint32_t i = 0, n = 0; i < command->termination.bytes && n < sizeof c->ends - 1; i++)
        if (command->termination.at[i] != '\0' && strchr(c->ends, command->termination.at[i]) == NULL)
            c->ends[n++] = command->termination.at[i];
}

uint32_t cf_collector_hear(struct cf_collector *c, char digit, uint32_t mode, int64_t now_ns)
{
    if (c->number == 0 || (c->modes & mode) == 0 || digit == '\0')
        return 0;
    c->digits[c->bytes++] = digit;
    c->due_ns = after(now_ns, c->between_ms);
    if (strchr(c->ends, digit) != NULL)
        return LINEGATHERTERM_TERMDIGIT;
    return c->bytes == c->wanted ? LINEGATHERTERM_BUFFERFULL : 0;
}

uint32_t cf_collector_expire(const struct cf_collector *c, int64_t now_ns)
{
    if (c->number == 0 || now_ns < c->due_ns)
        return 0;
    return c->bytes == 0 ? LINEGATHERTERM_FIRSTTIMEOUT : LINEGATHERTERM_INTERTIMEOUT;
}
