/* References of the standard library's kernels, in plain C and in doubles, written from the mathematics and not
 * from the kernels. Only tests compile them; a case (kcase) is theirs (tests/kernels/kernels.h).
 *
 * A reference sees every tensor as dense row-major doubles (complex: pairs), after rounding to the element type,
 * and writes the outputs there. Where a kernel of tests/corpus computes the same under other names or with fewer parameters, the
 * reference reads both. `prepare` functions replace random inputs that a kernel's contract does not allow. */
#ifndef TG_STDLIB_REF_REF_H
#define TG_STDLIB_REF_REF_H

#include "tegula/base.h"

#include <stdbool.h>

typedef struct kcase kcase;
typedef void kcase_function(kcase *c);
typedef kcase_function *kcase_fn;

double *kt(const kcase *c, const char *name); /* elements of a tensor; null if absent */
int64_t kd(const kcase *c, const char *name); /* a dimension or an integer scalar */
bool khas(const kcase *c, const char *name);  /* has the kernel such a dimension or parameter? */
double *kt_if(const kcase *c, const char *name); /* null also if the kernel has no such tensor */
int64_t kd_or(const kcase *c, const char *name, int64_t otherwise); /* if the kernel has none */
double kf_or(const kcase *c, const char *name, double otherwise);
const char *kname(const kcase *c, const char *a, const char *b); /* a, or b if it has no a */
double kf(const kcase *c, const char *name);  /* a float scalar, as rounded to its type */
bool kb(const kcase *c, const char *name);    /* a bool scalar */
int64_t kn(const kcase *c, const char *name); /* number of elements of a tensor */
double krandom(kcase *c, double low, double high);
int64_t krandint(kcase *c, int64_t low, int64_t high);
int64_t kwidth(const kcase *c, const char *name);  /* doubles per element: 2 for complex */
tg_dtype kdtype(const kcase *c, const char *name); /* of a tensor */
double knumber(const kcase *c, const char *name); /* a scalar of any type */
/* Largest or least value of the element type of a tensor; infinite for floats. */
double klimit(const kcase *c, const char *name, bool largest);
/* Sum of n products. */
double kproduct(const double *a, int64_t step_a, const double *b, int64_t step_b, int64_t n);
/* The first number of Philox-4x32-10 as a fraction of 2^24: what rand(seed, counter) is. */
double kphilox(uint64_t seed, uint64_t counter);
/* All four numbers: what philox(seed, counter) is. */
void kphilox_words(uint64_t seed, uint64_t counter, uint32_t words[4]);

/* Every function that a row of stdlib.def names. */
#define KERNEL(NAME, FILE, FIELDS) FIELDS
#define REF(function)              kcase_function function;
#define PREPARE(function)          kcase_function function;
#define DOC(text)
#define FLOPS(formula)
#define BYTES(formula)
#define ERROR(class)
#define GRAD(row)
#define VIA(function)
#define INDEPENDENT
#define POINTWISE
#define TYPES(text)
#define FILLS(text)
#define BLOCKS(text)
#define SCHEDULES(text)
#define CASES(...)
#define LITERALS
#define ESTIMATE
#include "stdlib/stdlib.def"
#undef REF
#undef PREPARE
#undef DOC
#undef FLOPS
#undef BYTES
#undef ERROR
#undef GRAD
#undef VIA
#undef INDEPENDENT
#undef POINTWISE
#undef TYPES
#undef FILLS
#undef BLOCKS
#undef SCHEDULES
#undef CASES
#undef LITERALS
#undef ESTIMATE

#endif
