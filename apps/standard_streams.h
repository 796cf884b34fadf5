/*
 * Descriptors 0 to 2 of a program that was started without some of them: else the first socket that it opens becomes its standard
 * output or error, and what it prints goes to the service.
 */
#ifndef CF_APPS_STANDARD_STREAMS_H
#define CF_APPS_STANDARD_STREAMS_H

#include <fcntl.h>
#include <unistd.h>

/* First in main(). Those that are missing are /dev/null. */
static inline void cf_standard_streams_fill(void)
{
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = open("/dev/null", O_RDWR);
    if (fd > STDERR_FILENO)
        close(fd);
}

#endif
