/*
 * The tool's place in the service: joining it, with errors that say what to do.
 */
#ifndef CF_APPS_CALLFAN_SERVICE_H
#define CF_APPS_CALLFAN_SERVICE_H

#include <stdint.h>

#include "callfan/tapi.h"

struct cf_tool_service {
    const char *socket; /* borrowed */
    HLINEAPP app;
    DWORD devices; /* line devices when it was joined; more may come by LINE_CREATE */
};

/* The option's value, else CALLFAN_SOCKET, else the default. */
const char *cf_tool_socket(const char *option);

/* Joins; CF_EXIT_OK, or CF_EXIT_NO_SERVICE with the reason on stderr. */
int cf_tool_service_join(struct cf_tool_service *s, const char *socket, const char *name, uint32_t ring_bytes,
                         uint32_t flags);
/* The same without a word on stderr: 0 or LINEERR_. */
LONG cf_tool_service_try(struct cf_tool_service *s, const char *name, uint32_t ring_bytes, uint32_t flags);

/* callfan COMMAND: what: LINEERR_NAME: text */
void cf_tool_complain(const char *command, const char *what, LONG error);

#endif
