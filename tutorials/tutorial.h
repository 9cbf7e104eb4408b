/* What every tutorial's host program needs beside the library: stop on an error, compare numbers. A real program would
 * handle the status instead of leaving. */
#ifndef TUTORIAL_H
#define TUTORIAL_H

#include <tegula/tegula.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A call that must succeed; prints the library's message otherwise. */
#define CHECK(context, call)                                                                                      \
    do {                                                                                                          \
        tg_status status_ = (call);                                                                               \
        if (status_ != TG_OK) {                                                                                   \
            fprintf(stderr, "%s:%d: %s\n%s\n", __FILE__, __LINE__, tg_status_name(status_), tg_last_error(context)); \
            exit(1);                                                                                              \
        }                                                                                                         \
    } while (0)

/* A pointer that must not be null. */
#define NEED(context, pointer)                                                     \
    do {                                                                           \
        if (!(pointer)) {                                                          \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, tg_last_error(context)); \
            exit(1);                                                               \
        }                                                                          \
    } while (0)

/* Context, module and kernel in one go: what the first lines of every program do. */
typedef struct tutorial {
    tg_context *context;
    tg_module *module;
} tutorial;

static inline tutorial tutorial_open(int argc, char **argv, const char *file)
{
    tutorial t = {0};
    tg_status status = tg_context_create(NULL, &t.context);
    if (status != TG_OK) {
        fprintf(stderr, "no context: %s\n", tg_last_error(NULL));
        exit(1);
    }
    CHECK(t.context, tg_module_load_file(t.context, argc > 1 ? argv[1] : file, &t.module));
    return t;
}

static inline void tutorial_close(tutorial *t)
{
    tg_module_destroy(t->module);
    tg_context_destroy(t->context);
}

/* A new f32 tensor with seeded values in [-1, 1). */
static inline tg_tensor *tutorial_random(tg_context *context, uint32_t rank, const int64_t *shape, uint64_t seed)
{
    tg_tensor *x = tg_tensor_create(context, TG_F32, rank, shape);
    NEED(context, x);
    CHECK(context, tg_tensor_fill_random(x, seed, -1, 1));
    return x;
}

static inline float *floats(const tg_tensor *x) { return (float *)tg_tensor_data(x); }

/* Says whether |error| stays within the bound; the result is the program's exit code. */
static inline int tutorial_report(const char *what, double max_error, double bound)
{
    int ok = max_error <= bound;
    printf("%s: max error %.3g, bound %.3g: %s\n", what, max_error, bound, ok ? "ok" : "WRONG");
    return !ok;
}

#endif
