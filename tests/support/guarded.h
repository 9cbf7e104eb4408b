/* Memory between pages that may not be accessed, with no room behind it, or before it: generated code, which no sanitizer sees, faults when it
 * reads or writes beyond. */
#ifndef TG_TESTS_GUARDED_H
#define TG_TESTS_GUARDED_H

#include <stdbool.h>
#include <stddef.h>

void *guarded_new(size_t bytes); /* nothing behind it; zeros; ends the program if there is no memory */
void *guarded_new_at(size_t bytes, bool at_start); /* or nothing before it */
void guarded_free(void *p, size_t bytes);

#endif
