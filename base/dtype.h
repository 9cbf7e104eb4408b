/* Element types: facts from dtypes.def and exact scalar conversions (round to nearest even). */
#ifndef TG_BASE_DTYPE_H
#define TG_BASE_DTYPE_H

#include "tegula/base.h"

#include <stdbool.h>

typedef enum tg_dtype_kind { TG_KIND_NONE, TG_KIND_BOOL, TG_KIND_SINT, TG_KIND_UINT, TG_KIND_FLOAT, TG_KIND_COMPLEX } tg_dtype_kind;

tg_dtype_kind tg_dtype_kind_of(tg_dtype t);
bool tg_dtype_is_int(tg_dtype t);     /* signed or unsigned, storage 4-bit types included */
bool tg_dtype_is_float(tg_dtype t);   /* storage f4/f8 included */
bool tg_dtype_is_storage(tg_dtype t); /* i4 u4 f4e2m1 f8e4m3 f8e5m2 f8e8m0: no arithmetic */
tg_dtype tg_dtype_wide(tg_dtype t);   /* accumulator type, language.md section 4 */
tg_dtype tg_dtype_real(tg_dtype t);   /* c32 → f32, c64 → f64, else itself */
/* bytes of one element; 0 for packed 4-bit types (use tg_dtype_bits) */
size_t tg_dtype_size(tg_dtype t);
/* unit roundoff 2^-p of a float type (f32: 2^-24); 0 for integers */
double tg_dtype_unit(tg_dtype t);
bool tg_dtype_converts_implicitly(tg_dtype from, tg_dtype to); /* every value preserved, language.md section 4 */
tg_dtype tg_dtype_common(tg_dtype a, tg_dtype b);               /* least common type or NONE */

/* A scalar of any dtype. Integers and bool in i (u64 by bit pattern), floats in f, complex in f and g. */
typedef union tg_scalar_bits { int64_t i; uint64_t u; double f; } tg_scalar_bits;
typedef struct tg_scalar { tg_dtype dtype; int64_t i; double f, g; } tg_scalar;

/* Element `index` of packed storage at `base` (index in elements, may be odd for 4-bit). */
tg_scalar tg_scalar_load(tg_dtype t, const void *base, int64_t index);
void tg_scalar_store(tg_scalar v, void *base, int64_t index); /* v.dtype decides the format; v must be representable */
/* Language conversion `to(v)`: section 4 "Conversions". */
tg_scalar tg_scalar_convert(tg_scalar v, tg_dtype to);
/* Rounds a double to the precision of a float dtype and back (overflow → ±inf, f8e4m3/f4 → largest finite). */
double tg_round_to(tg_dtype t, double v);

uint16_t tg_f32_to_bf16(float v);
float tg_bf16_to_f32(uint16_t v);
uint16_t tg_f32_to_f16(float v);
float tg_f16_to_f32(uint16_t v);

#endif
