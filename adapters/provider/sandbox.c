/* See sandbox.h. */
#include "adapters/provider/sandbox.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool wanted(void)
{
    const char *word = getenv("CALLFAN_SANDBOX");
    return word == NULL || strcmp(word, "false") != 0;
}

void cf_sandbox_begin(void)
{
    if (wanted())
        cf_confine_hide(); /* asked for again, and its failing told, by cf_sandbox_enter() */
}

int cf_sandbox_enter(uint32_t calls, char *why, size_t why_bytes)
{
    if (!wanted())
        return 0;
    int error = cf_confine_harden();
    if (error == 0)
        error = cf_confine_filter(CF_SANDBOX_BASE | calls);
    if (error != 0)
        snprintf(why, why_bytes, "cannot confine itself: %s (CALLFAN_SANDBOX=false goes without)", strerror(-error));
    return error;
}
