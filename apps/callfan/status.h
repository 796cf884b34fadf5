/*
 * The service's own account of itself, over the control socket.
 */
#ifndef CF_APPS_CALLFAN_STATUS_H
#define CF_APPS_CALLFAN_STATUS_H

struct json_object;
struct cf_hello;

/* Fetches it; the caller frees it with json_object_put(). NULL: *ret_exit says why, and so does stderr. */
struct json_object *cf_tool_status_fetch(const char *command, const char *socket, int *ret_exit);

/* The same for another hello that is answered by JSON; magic and version are filled in. */
struct json_object *cf_tool_service_ask(const char *command, const char *socket, struct cf_hello *hello, int *ret_exit);

#endif
