/* Processes that end while kernels are compiled in the background, with contexts that nobody destroyed, or that a handler of their own destroys;
 * and those that fork meanwhile. */
#define _DEFAULT_SOURCE 1
#include "jit_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 40, FORKING = 4, TIME_LIMIT = 60 };

static tg_context *c;
static tg_module *m;

static void tidy_up(void) {
    tg_module_destroy(m);
    tg_context_destroy(c);
}

static bool compile_later(const char *type) {
    tg_kernel_spec spec = {.struct_size = sizeof spec, .bindings = &type, .n_bindings = 1};
    return tg_kernel_prepare_async(tg_module_kernel(m, "gemm"), &spec) == TG_OK;
}

/* One kernel is launched, four are being compiled or wait for a thread when the process ends `after` microseconds later. */
static void live(useconds_t after, bool tidy) {
    const char *types[] = {"T=f32", "T=f64", "T=bf16", "T=f16"};
    (void)alarm(TIME_LIMIT); /* waits for good fail */
    bool ok = !tidy || atexit(tidy_up) == 0;
    c = jit_context(NULL, 0, 0);
    m = jit_module(c);
    tg_tensor *x = jit_tensor_f32(c, 100, 1, 0), *y = jit_tensor_f32(c, 100, 3, 0);
    ok = ok && tg_launch(tg_module_kernel(m, "axpy"), TG_ARGS(x, y, 2.0f)) == TG_OK;
    for (int i = 0; i < 4 && ok; i++) {
        ok = compile_later(types[i]);
    }
    tg_tensor_release(x);
    tg_tensor_release(y);
    (void)usleep(after);
    exit(ok ? 0 : 1);
}

static pthread_t forker;
static pid_t forks;
static bool forked_well;

/* The children end by exit() too. */
static void *fork_often(void *user) {
    enum { FORKS = 20 };
    (void)user;
    forked_well = true;
    for (int i = 0; i < FORKS && forked_well; i++) {
        (void)usleep(2000);
        pid_t child = fork();
        if (child == 0) {
            (void)alarm(TIME_LIMIT / 4);
            exit(0);
        }
        int status = 0;
        forked_well = child > 0 && waitpid(child, &status, 0) == child && status == 0;
    }
    return NULL;
}

static void wait_for_forks(void) {
    if (getpid() == forks && (pthread_join(forker, NULL) || !forked_well)) {
        _exit(2);
    }
}

/* Another thread forks while exit() waits for compiles. */
static void live_and_fork(useconds_t after) {
    (void)alarm(TIME_LIMIT);
    forks = getpid();
    bool ok = atexit(wait_for_forks) == 0;
    c = jit_context(NULL, 0, 0);
    m = jit_module(c);
    ok = ok && compile_later("T=f32") && compile_later("T=f64") && pthread_create(&forker, NULL, fork_often, NULL) == 0;
    (void)usleep(1000 + after);
    ok ? exit(0) : _exit(1);
}

int main(void) {
    int bad = 0;
    for (int i = 0; i < CHILDREN + FORKING; i++) {
        pid_t child = fork();
        if (child == 0 && i >= CHILDREN) {
            live_and_fork((useconds_t)(i - CHILDREN) * 5000);
        } else if (child == 0) {
            live((useconds_t)(i / 2) * 1500, i % 2);
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) != child) {
            perror("child");
            return 1;
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status)) {
            bad++;
            printf("child %d: %s %d\n", i, WIFSIGNALED(status) ? "signal" : "exit code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        }
    }
    return bad != 0;
}
