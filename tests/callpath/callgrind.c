/* Lets a program under `valgrind --tool=callgrind --instr-atstart=no` say from where to where instructions are counted. */
#include <valgrind/callgrind.h>

void begin(void) { CALLGRIND_START_INSTRUMENTATION; }

/* Writes what was counted since the last time, under a name. */
void tell(const char *name) { CALLGRIND_DUMP_STATS_AT(name); }
