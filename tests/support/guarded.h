/* Memory whose end is the end of what may be accessed: generated code, which no sanitizer sees, faults when it reads behind. */
#ifndef TG_TESTS_GUARDED_H
#define TG_TESTS_GUARDED_H

#include <stddef.h>

void *guarded_new(size_t bytes); /* zeros; ends the program if there is no memory */
void guarded_free(void *p, size_t bytes);

#endif
