/*
 * The confinement of an adapter's program: no privileges, and only the system calls that it needs.
 *
 * Shape      on, unless CALLFAN_SANDBOX=false stands in the environment, as callfand sets it by the option sandbox of its configuration;
 *            a program that is started by hand is confined too
 * Overlap    one thread
 * Errors     negative errno, and one sentence in why
 */
#ifndef CF_PROVIDER_SANDBOX_H
#define CF_PROVIDER_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "shm/sys_confine.h"

/* What every adapter does: looks for the service again when it went, and turns its reactor. */
#define CF_SANDBOX_BASE (CF_CALLS_LOCAL | CF_CALLS_URING)

/* At the begin: hides the process, whose environment holds its token. */
void cf_sandbox_begin(void);

/* When all is open that the program opens itself: for good. calls: classes beyond CF_SANDBOX_BASE. */
int cf_sandbox_enter(uint32_t calls, char *why, size_t why_bytes);

#endif
