/*
 * The file in which the keeper keeps the lists of lineSetAppPriority, so that they outlive it.
 *
 * Shape      "CFPRIOR1", then struct cf_priorities as it is in memory
 * Errors     0 or a negative errno; -EBADMSG: the file holds no lists
 * Writers    the keeper alone. Written beside and renamed: a reader finds the old lists or the new ones
 * Trust      what a file or the core's memory says is believed when cf_priorities_check() holds
 */
#ifndef CF_CALLFAND_PRIORITIES_H
#define CF_CALLFAND_PRIORITIES_H

#include "core/priority.h"

/* -ENOENT: nobody has ever set one. *ret_priorities is empty unless 0 is returned. */
int cf_priorities_load(const char *path, struct cf_priorities *ret_priorities);

/* Not synced: what a power failure costs is worth less than a keeper that waits for a disk while its core is dead. */
int cf_priorities_save(const char *path, const struct cf_priorities *priorities);

#endif
