/* What a user of an installed Tegula writes first. */
#include <stdio.h>
#include <string.h>
#include <tegula/tegula.h>

static const char source[] = "kernel twice(in f32 X[N], out f32 Y[N])\n"
                             "{\n    grid (i in N) Y[i] = 2.0 * X[i];\n}\n";

int main(void) {
    tg_context *c;
    tg_module *m;
    if (tg_context_create(NULL, &c) ||
        tg_module_load_text(c, "twice.dsl", source, strlen(source), &m)) {
        fprintf(stderr, "%s\n", tg_last_error(NULL));
        return 1;
    }
    tg_tensor *x = tg_tensor_create(c, TG_F32, 1, (int64_t[]){100}),
              *y = tg_tensor_create(c, TG_F32, 1, (int64_t[]){100});
    ((float *)tg_tensor_data(x))[99] = 21;
    if (tg_launch(tg_module_kernel(m, "twice"), TG_ARGS(x, y))) {
        fprintf(stderr, "%s\n", tg_last_error(c));
        return 1;
    }
    printf("%g\n", (double)((float *)tg_tensor_data(y))[99]);
    tg_tuner *tuner; /* finds the rows that are installed beside the library */
    if (tg_tuner_create(c, NULL, &tuner)) {
        fprintf(stderr, "%s\n", tg_last_error(c));
        return 1;
    }
    printf("%s", tg_tuner_warning(tuner));
    tg_tuner_destroy(tuner);
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_module_destroy(m);
    tg_context_destroy(c);
    return 0;
}
