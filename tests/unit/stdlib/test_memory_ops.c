/* Every allocation of every function of ops.h fails in turn (memory_ops.def). */
#include "memory_sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 12 }; /* tensors of a row */

typedef struct op_row {
    const char *name, *tensors;
    tg_status (*call)(tg_context *c, tg_tensor *const *t, tg_tensor **packed);
} op_row;

#define MATMUL(...)    &(tg_matmul_options){.struct_size = sizeof(tg_matmul_options), .alpha = 0.5, __VA_ARGS__}
#define ATTENTION(...) &(tg_attention_options){.struct_size = sizeof(tg_attention_options), .scale = 0.3, __VA_ARGS__}
#define POOLING        &(tg_pooling_options)TG_POOLING_OPTIONS_INIT(2, 2)
#define CONV(step, margin, n_groups)                                                                                  \
    &(tg_conv_options) {                                                                                              \
        .struct_size = sizeof(tg_conv_options), .stride = {step, step, step}, .pad = {margin, margin, margin}, .dilation = {1, 1, 1}, .groups = n_groups \
    }

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define OP(function, tensors, ...)                                                                                    \
    static tg_status JOIN(call_, __LINE__)(tg_context * c, tg_tensor *const *t, tg_tensor **packed) {                 \
        (void)packed;                                                                                                 \
        return tg_op_##function(c, __VA_ARGS__);                                                                      \
    }
#include "memory_ops.def"
#undef OP

static const op_row rows[] = {
#define OP(function, tensors, ...) {#function, tensors, JOIN(call_, __LINE__)},
#include "memory_ops.def"
#undef OP
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static tg_dtype type_of(char letter) {
    switch (letter) {
    case 'b': return TG_I8;
    case 'w': return TG_U4;
    case 'i': return TG_I32;
    case 'l': return TG_I64;
    default: return TG_F32;
    }
}

static tg_status fill(tg_tensor *t) {
    tg_dtype type = tg_tensor_dtype(t);
    int64_t n = tg_tensor_n_elements(t);
    for (int64_t i = 0; type == TG_I32 && i < n; i++) {
        ((int32_t *)tg_tensor_data(t))[i] = (int32_t)i;
    }
    for (int64_t i = 0; type == TG_I64 && i < n; i++) {
        ((int64_t *)tg_tensor_data(t))[i] = i;
    }
    return type == TG_F32 ? tg_tensor_fill_random(t, 1, 0.5, 1.5) : TG_OK;
}

/* The view whose dimensions are in the order of the digits. Takes t over. */
static tg_tensor *permuted(tg_tensor *t, const char *digits) {
    uint32_t order[TG_RANK_MAX];
    for (uint32_t d = 0; d < tg_tensor_rank(t); d++) {
        order[d] = (uint32_t)(digits[d] - '0');
    }
    tg_tensor *view = tg_tensor_permute(t, order);
    tg_tensor_release(t);
    return view;
}

static tg_tensor *made(tg_context *c, const char *word) {
    int64_t shape[TG_RANK_MAX];
    uint32_t rank = 0;
    char *end = (char *)(uintptr_t)word;
    do {
        shape[rank++] = strtol(end + 1, &end, 10);
    } while (*end == 'x');
    tg_tensor *t = tg_tensor_create(c, type_of(*word), rank, shape);
    if (t && fill(t)) {
        tg_tensor_release(t);
        return NULL;
    }
    return t && *end == '@' ? permuted(t, end + 1) : t;
}

static bool packs(const op_row *row) {
    static const char end[] = "_pack";
    size_t n = strlen(row->name), of_end = sizeof end - 1;
    return n > of_end && strcmp(row->name + n - of_end, end) == 0;
}

static tg_status run(tg_context *c, const void *user) {
    const op_row *row = user;
    tg_tensor *t[MOST] = {NULL}, *packed = NULL;
    tg_status s = TG_OK;
    uint32_t n = 0;
    for (const char *word = row->tensors; word && s == TG_OK; word = strchr(word, ' '), word += word != NULL) {
        t[n] = made(c, word);
        s = t[n++] ? TG_OK : TG_ERROR_OUT_OF_MEMORY;
    }
    s = s ? s : row->call(c, t, &packed);
    s = packs(row) ? unless_never_packed(s) : s;
    tg_tensor_release(packed);
    return give_back(s, t, n);
}

enum { PARTS = 4 }; /* tests run at once */

static void sweep_part(uint32_t part) {
    for (uint32_t i = part; i < N_ROWS; i += PARTS) {
        sweep(run, &rows[i], rows[i].name);
    }
}
#define PART(number)                                                                                                  \
    Test(stdlib_memory, functions_##number, .timeout = 240) {                                                         \
        sweep_part(number);                                                                                           \
    }
PART(0)
PART(1)
PART(2)
PART(3)

static bool has_row(const char *name, size_t length) {
    for (uint32_t i = 0; i < N_ROWS; i++) {
        if (strlen(rows[i].name) == length && !memcmp(rows[i].name, name, length)) {
            return true;
        }
    }
    return false;
}

Test(stdlib_memory, no_function_is_forgotten) {
    static const char declared[] = "TG_API tg_status tg_op_";
    char line[256];
    long n = 0;
    FILE *f = fopen(TG_SOURCE_DIR "/include/tegula/ops.h", "r");
    cr_assert_not_null(f);
    while (fgets(line, sizeof line, f)) {
        if (!strncmp(line, declared, sizeof declared - 1)) {
            const char *name = line + sizeof declared - 1;
            size_t length = strcspn(name, "(");
            cr_expect(has_row(name, length), "tg_op_%.*s", (int)length, name);
            n++;
        }
    }
    fclose(f);
    cr_assert(n > 70, "%ld", n);
}
