/*
 * Doctor: an inspection and a snapshot, judged. What is found says what to do about it.
 *
 * Shape      one JSON object; documented in callfand(8)
 * Writers    the door's thread
 */
#ifndef CF_CALLFAND_DOCTOR_H
#define CF_CALLFAND_DOCTOR_H

#include <stddef.h>

#include "apps/callfand/inspection.h"
#include "apps/callfand/status.h"

/* The text, to be freed by the caller; NULL without memory. */
char *cf_doctor_text(const struct cf_status_source *source, const struct cf_inspection *inspection, size_t *ret_bytes);

#endif
