/* Preloaded into nagios4: its clock is the number of seconds in the file that ORACLE_CLOCK names, and stands still
   until the oracle moves it. So a sequence of hours runs in a second, and the stamps of the log are the oracle's.
   Without the file, the real clock. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *seconds;

__attribute__((constructor)) static void open_clock(void) {
    const char *path = getenv("ORACLE_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *page = mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, fd, 0);
        seconds = page == MAP_FAILED ? NULL : page;
        close(fd);
    }
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    if (seconds) {
        *now = (struct timeval){.tv_sec = *seconds};
        return 0;
    }
    return (int)syscall(SYS_gettimeofday, now, zone);
}

time_t time(time_t *out) {
    struct timeval now;
    gettimeofday(&now, NULL);
    if (out) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}
