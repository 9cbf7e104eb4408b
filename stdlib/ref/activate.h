/* The activations of tegula/ops.h in doubles. See ref.h. */
#ifndef TG_STDLIB_REF_ACTIVATE_H
#define TG_STDLIB_REF_ACTIVATE_H

#include <stdint.h>

double ref_activate(double x, int64_t kind, double alpha);
/* The derivative, by its own formula. */
double ref_activate_slope(double x, int64_t kind, double alpha);

#endif
