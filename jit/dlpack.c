/* DLPack import and export; see include/tegula/dlpack.h. The two ABI versions differ in their
 * outer structure only. */
#include "tegula/dlpack.h"

#include "jit/context.h"

#include <string.h>

/* ---- element types -------------------------------------------------------------------------------------------
 */

static const struct pair {
    tg_dtype dtype;
    uint8_t code, bits;
} pairs[] = {
    {TG_BOOL, TG_DL_BOOL, 8},    {TG_I8, TG_DL_INT, 8},       {TG_U8, TG_DL_UINT, 8},
    {TG_I16, TG_DL_INT, 16},     {TG_U16, TG_DL_UINT, 16},    {TG_I32, TG_DL_INT, 32},
    {TG_U32, TG_DL_UINT, 32},    {TG_I64, TG_DL_INT, 64},     {TG_U64, TG_DL_UINT, 64},
    {TG_BF16, TG_DL_BFLOAT, 16}, {TG_F16, TG_DL_FLOAT, 16},   {TG_F32, TG_DL_FLOAT, 32},
    {TG_F64, TG_DL_FLOAT, 64},   {TG_C32, TG_DL_COMPLEX, 64}, {TG_C64, TG_DL_COMPLEX, 128},
};
enum { N_PAIRS = sizeof pairs / sizeof pairs[0] };

static tg_dtype from_dl(tg_dl_dtype d) {
    for (int i = 0; i < N_PAIRS && d.lanes == 1; i++) {
        if (pairs[i].code == d.code && pairs[i].bits == d.bits) {
            return pairs[i].dtype;
        }
    }
    return TG_DTYPE_NONE;
}

static bool to_dl(tg_dtype dtype, tg_dl_dtype *out) {
    for (int i = 0; i < N_PAIRS; i++) {
        if (pairs[i].dtype == dtype) {
            *out = (tg_dl_dtype){pairs[i].code, pairs[i].bits, 1};
            return true;
        }
    }
    return false;
}

/* ---- import ---------------------------------------------------------------------------------------------------
 */

/* Scalars of complex types are aligned like their parts. */
static bool is_aligned(const void *p, tg_dtype dtype) {
    return (uintptr_t)p % ((size_t)tg_dtype_bits(tg_dtype_real(dtype)) / 8) == 0;
}

static tg_status import(tg_context *context, const tg_dl_tensor *t, void (*release)(void *),
                        void *capsule, tg_tensor **out) {
    tg_dtype dtype = from_dl(t->dtype);
    if (t->device.type != TG_DLPACK_CPU || dtype == TG_DTYPE_NONE) {
        return tg_fail(context, TG_ERROR_UNSUPPORTED,
                       dtype ? "the capsule is not on the CPU"
                             : "the capsule's element type has no counterpart");
    }
    void *data = t->data ? (char *)t->data + t->byte_offset : NULL;
    if (t->ndim < 0 || t->ndim > TG_MAX_RANK || (t->ndim && !t->shape) ||
        !is_aligned(data, dtype)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT,
                       "the capsule has a wrong rank, shape or alignment");
    }
    tg_status s = tg_tensor_wrap(&context->allocator, dtype, (uint32_t)t->ndim, t->shape,
                                 t->strides, data, release, capsule, out);
    if (s) {
        return tg_fail(context, s, "capsule: %s%s", tg_status_name(s),
                       s == TG_ERROR_INVALID_ARGUMENT ? " (an extent is negative, data is null, or the strides reach too far)" : "");
    }
    (*out)->context = context;
    return TG_OK;
}

static void release_capsule(void *user) {
    tg_dl_managed *m = user;
    if (m->deleter) {
        m->deleter(m);
    }
}

static void release_versioned(void *user) {
    tg_dl_managed_versioned *m = user;
    if (m->deleter) {
        m->deleter(m);
    }
}

tg_status tg_tensor_from_dlpack(tg_context *context, tg_dl_managed *capsule, tg_tensor **out) {
    if (out) {
        *out = NULL;
    }
    if (!context || !capsule || !out) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s is null",
                       !context   ? "context"
                       : !capsule ? "capsule"
                                  : "out");
    }
    return import(context, &capsule->tensor, release_capsule, capsule, out);
}

tg_status tg_tensor_from_dlpack_versioned(tg_context *context, tg_dl_managed_versioned *capsule,
                                          tg_tensor **out) {
    if (out) {
        *out = NULL;
    }
    if (!context || !capsule || !out) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s is null",
                       !context   ? "context"
                       : !capsule ? "capsule"
                                  : "out");
    }
    if (capsule->version.major != TG_DLPACK_MAJOR) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT,
                       "the capsule is of DLPack version %u, expected %d",
                       capsule->version.major, TG_DLPACK_MAJOR);
    }
    tg_status s = import(context, &capsule->tensor, release_versioned, capsule, out);
    if (s == TG_OK) {
        (*out)->read_only = (capsule->flags & TG_DLPACK_READ_ONLY) != 0;
    }
    return s;
}

/* ---- export ---------------------------------------------------------------------------------------------------
 */

typedef struct exported {
    tg_dl_managed plain;
    tg_dl_managed_versioned versioned;
    tg_tensor *tensor;
    int64_t shape[TG_MAX_RANK], strides[TG_MAX_RANK];
} exported;

static void free_exported(exported *e) {
    const tg_allocator *a = e->tensor->allocator;
    tg_tensor *t = e->tensor;
    tg_allocator copy = *a; /* the tensor may be the last that keeps its struct */
    tg_free(&copy, e, sizeof *e);
    tg_tensor_unref(t);
}

static void delete_plain(tg_dl_managed *self) {
    free_exported(self->manager_ctx);
}

static void delete_versioned(tg_dl_managed_versioned *self) {
    free_exported(self->manager_ctx);
}

/* `has_out`: the caller of the library gave a place for the result. */
static tg_status make_exported(tg_tensor *t, bool has_out, exported **out) {
    tg_dl_dtype dtype;
    *out = NULL;
    if (!t || !has_out) {
        return tg_fail(t ? t->context : NULL, TG_ERROR_INVALID_ARGUMENT, "%s is null", t ? "out" : "tensor");
    }
    if (!to_dl(t->dtype, &dtype)) {
        return tg_fail(t->context, TG_ERROR_UNSUPPORTED, "DLPack 1.0 has no type for %s",
                       tg_dtype_name(t->dtype));
    }
    exported *e = tg_alloc(t->allocator, sizeof *e, _Alignof(exported));
    if (!e) {
        return tg_fail(t->context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    memcpy(e->shape, t->arg.shape, sizeof e->shape);
    memcpy(e->strides, t->arg.stride, sizeof e->strides);
    e->tensor = tg_tensor_retain(t);
    e->plain.tensor = (tg_dl_tensor){.data = t->arg.data,
                                     .device = {TG_DLPACK_CPU, 0},
                                     .ndim = (int32_t)t->rank,
                                     .dtype = dtype,
                                     .shape = e->shape,
                                     .strides = e->strides};
    e->versioned.tensor = e->plain.tensor;
    *out = e;
    return TG_OK;
}

tg_status tg_tensor_to_dlpack(tg_tensor *tensor, tg_dl_managed **out) {
    exported *e = NULL;
    bool refused = tensor && out && tensor->read_only;
    tg_status s = refused ? tg_fail(tensor->context, TG_ERROR_UNSUPPORTED,
                                    "a capsule of version 0 cannot say that the tensor is read-only; use tg_tensor_to_dlpack_versioned")
                          : make_exported(tensor, out != NULL, &e);
    if (out) {
        *out = e ? &e->plain : NULL;
    }
    if (e) {
        e->plain.manager_ctx = e;
        e->plain.deleter = delete_plain;
    }
    return s;
}

tg_status tg_tensor_to_dlpack_versioned(tg_tensor *tensor, tg_dl_managed_versioned **out) {
    exported *e;
    tg_status s = make_exported(tensor, out != NULL, &e);
    if (out) {
        *out = e ? &e->versioned : NULL;
    }
    if (e) {
        e->versioned.version.major = TG_DLPACK_MAJOR;
        e->versioned.version.minor = TG_DLPACK_MINOR;
        e->versioned.flags = tensor->read_only ? TG_DLPACK_READ_ONLY : 0;
        e->versioned.manager_ctx = e;
        e->versioned.deleter = delete_versioned;
    }
    return s;
}
