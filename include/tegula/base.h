/* Status codes, element types and the API export mark: what every other public header needs.
 *
 * The numbers are part of the ABI: never reorder, only append. */
#ifndef TEGULA_BASE_H
#define TEGULA_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(TG_STATIC)
#define TG_API
#else
#define TG_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Result of every fallible call. TG_OK is 0; anything else is an error whose text is in tg_last_error(). */
typedef enum tg_status {
    TG_OK                     = 0,
    TG_ERROR_INVALID_ARGUMENT = 1, /**< null, wrong shape or dtype, unknown name, bad option */
    TG_ERROR_COMPILE          = 2, /**< diagnostics with codes Exxxx were reported */
    TG_ERROR_LAUNCH           = 3, /**< a launch check (Lxxxx) or an `assert` of a kernel failed */
    TG_ERROR_UNSUPPORTED      = 4, /**< valid, but not available on this target or machine */
    TG_ERROR_OUT_OF_MEMORY    = 5,
    TG_ERROR_DEVICE           = 6, /**< driver missing or driver error */
    TG_ERROR_NOT_FOUND        = 7,
    TG_ERROR_IO               = 8,
    TG_ERROR_INTERNAL         = 9 /**< a bug in Tegula; the message names the stage */
} tg_status;

/** Element types. See docs/language.md section 4. */
typedef enum tg_dtype {
    TG_DTYPE_NONE   = 0,
    TG_BOOL         = 1, /**< one byte, 0 or 1 */
    TG_I4           = 2, /**< packed two per byte, low nibble first */
    TG_U4           = 3,
    TG_I8           = 4,
    TG_U8           = 5,
    TG_I16          = 6,
    TG_U16          = 7,
    TG_I32          = 8,
    TG_U32          = 9,
    TG_I64          = 10,
    TG_U64          = 11,
    TG_F4E2M1       = 12, /**< packed two per byte */
    TG_F8E4M3       = 13, /**< OCP "fn": no infinity, NaN 0x7f */
    TG_F8E5M2       = 14,
    TG_F8E8M0       = 15, /**< power-of-two scale, NaN 0xff */
    TG_BF16         = 16,
    TG_F16          = 17,
    TG_F32          = 18,
    TG_F64          = 19,
    TG_C32          = 20, /**< two f32 */
    TG_C64          = 21  /**< two f64 */
} tg_dtype;

/** Where memory comes from. Called from any thread, several at once. `align` is a power of two. */
typedef struct tg_allocator {
    void *(*alloc)(void *user, size_t size, size_t align); /**< null on failure; need not be zeroed */
    void (*free)(void *user, void *ptr, size_t size);      /**< accepts null; `size` as given to alloc */
    void *user;
} tg_allocator;

/** Name of a status ("out of memory"); never null, static storage. Any thread. */
TG_API const char *tg_status_name(tg_status status);
/** Name of a dtype as the language spells it ("bf16"); "none" if out of range. Any thread. */
TG_API const char *tg_dtype_name(tg_dtype dtype);
/** Dtype of a language name, TG_DTYPE_NONE if there is none. `int` gives TG_I64. Null gives NONE. */
TG_API tg_dtype tg_dtype_from_name(const char *name);
/** Width in bits (4 for the 4-bit types); 0 for NONE. Any thread. */
TG_API int tg_dtype_bits(tg_dtype dtype);

#ifdef __cplusplus
}
#endif
#endif
