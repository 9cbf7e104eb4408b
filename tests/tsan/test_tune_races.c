/* A tuner attached to a context that is launched from, tuned by it, tuned by another tuner and asked, all at once. */
#include "tegula/autotune.h"
#include "tests/unit/jit/jit_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(c)                                                                               \
    ((c) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c), exit(1)))

enum { N_LAUNCHERS = 4, N_LAUNCHES = 200 };

typedef struct scene {
    tg_context *context;
    tg_kernel *axpy;
    tg_tuner *attached, *other;
} scene;

static void *launch(void *user) {
    const scene *s = user;
    for (int i = 0; i < N_LAUNCHES; i++) {
        int64_t n = 100 + i % 20;
        tg_tensor *x = jit_tensor_f32(s->context, n, 1, 1),
                  *y = jit_tensor_f32(s->context, n, 0, 0);
        CHECK(tg_launch(s->axpy, TG_ARGS(x, y)) == TG_OK);
        CHECK(((float *)tg_tensor_data(y))[n - 1] == 2.0f * (float)n);
        tg_tensor_release(x);
        tg_tensor_release(y);
    }
    return NULL;
}

static void tune(const scene *s, tg_tuner *t) {
    for (int i = 0; i < 4; i++) {
        tg_tune_options o = TG_TUNE_OPTIONS_INIT;
        o.budget_s = 0.2;
        o.n_first = 2;
        tg_tensor *x = jit_tensor_f32(s->context, 100 + i, 1, 1),
                  *y = jit_tensor_f32(s->context, 100 + i, 0, 0);
        CHECK(tg_tune(t, s->axpy, TG_ARGS(x, y), &o, NULL) == TG_OK);
        CHECK(((float *)tg_tensor_data(y))[0] == 0);
        tg_tensor_release(x);
        tg_tensor_release(y);
    }
}

static void *tune_attached(void *user) {
    const scene *s = user;
    tune(s, s->attached);
    return NULL;
}

static void *tune_other(void *user) {
    const scene *s = user;
    tune(s, s->other);
    return NULL;
}

static void *attach_and_ask(void *user) {
    const scene *s = user;
    tg_tensor *x = jit_tensor_f32(s->context, 101, 1, 1),
              *y = jit_tensor_f32(s->context, 101, 0, 0);
    for (int i = 0; i < 50; i++) {
        char text[64];
        tg_tuned_from from;
        CHECK(tg_tuner_attach(s->attached) == TG_OK);
        CHECK(tg_tuner_attach(s->other) == TG_ERROR_INVALID_ARGUMENT);
        CHECK(tg_tuner_lookup(s->attached, s->axpy, TG_ARGS(x, y), text, sizeof text, &from) ==
              TG_OK);
    }
    tg_tensor_release(x);
    tg_tensor_release(y);
    return NULL;
}

int main(void) {
    scene s = {.context = jit_context(NULL, 0, 0)};
    tg_module *m = jit_module(s.context);
    tg_tuner_options o = TG_TUNER_OPTIONS_INIT;
    pthread_t threads[N_LAUNCHERS + 3];
    void *(*const others[])(void *) = {tune_attached, tune_other, attach_and_ask};
    o.database = "";
    s.axpy = tg_module_kernel(m, "axpy");
    CHECK(tg_tuner_create(s.context, &o, &s.attached) == TG_OK);
    CHECK(tg_tuner_create(s.context, &o, &s.other) == TG_OK);
    CHECK(tg_tuner_attach(s.attached) == TG_OK);
    for (int i = 0; i < N_LAUNCHERS + 3; i++) {
        CHECK(pthread_create(&threads[i], NULL,
                             i < N_LAUNCHERS ? launch : others[i - N_LAUNCHERS], &s) == 0);
    }
    for (int i = 0; i < N_LAUNCHERS + 3; i++) {
        pthread_join(threads[i], NULL);
    }
    /* a tuner may go while another one stays attached */
    tg_tuner_destroy(s.other);
    (void)launch(&s);
    tg_tuner_destroy(s.attached);
    (void)launch(&s);
    tg_module_destroy(m);
    tg_context_destroy(s.context);
    puts("ok");
    return 0;
}
