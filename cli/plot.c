/* See plot.h. */
#include "cli/plot.h"

#include <math.h>

/* Room around the frame, in pixels. */
enum { LEFT = 58, RIGHT = 22, TOP = 10, BOTTOM = 44 };

void cli_html_text(FILE *f, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '&':
            fputs("&amp;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            fputc(*text, f);
        }
    }
}

void plot_open(const plot *p, const char *title) {
    int width = LEFT + p->width + RIGHT, height = TOP + p->height + BOTTOM;
    fprintf(p->file,
            "<figure><h3>%s</h3><svg width=%d height=%d viewBox='0 0 %d %d' role=img "
            "aria-label='%s'>"
            "<rect x=%d y=%d width=%d height=%d fill=none stroke=#dfe3e8 />"
            "<text x=%d y=%d text-anchor=middle>%s</text>"
            "<text transform='translate(12 %d) rotate(-90)' text-anchor=middle>%s</text>\n",
            title, width, height, width, height, title, LEFT, TOP, p->width, p->height,
            LEFT + p->width / 2, height - 6, p->x.label, TOP + p->height / 2, p->y.label);
}

void plot_close(const plot *p) {
    fputs("</svg></figure>\n", p->file);
}

static bool is_inside(const plot_axis *a, double v) {
    return v >= a->low && v <= a->high;
}

/* The place of a value between the ends, 0 to 1. */
static double share(const plot_axis *a, double v) {
    double span = log(a->high / a->low);
    return span > 0 ? log(fmin(fmax(v, a->low), a->high) / a->low) / span : .5;
}

double plot_x(const plot *p, double v) {
    return LEFT + p->width * share(&p->x, v);
}

double plot_y(const plot *p, double v) {
    return TOP + p->height * (1 - share(&p->y, v));
}

static void tick(const plot *p, bool across, double v) {
    double x = plot_x(p, v), y = plot_y(p, v);
    int bottom = TOP + p->height;
    if (across) {
        fprintf(p->file,
                "<line x1=%.1f y1=%d x2=%.1f y2=%d stroke=#eef0f3 />"
                "<text x=%.1f y=%d text-anchor=middle>%g</text>\n",
                x, TOP + 1, x, bottom - 1, x, bottom + 15, v);
    } else {
        fprintf(p->file,
                "<line x1=%d y1=%.1f x2=%d y2=%.1f stroke=#eef0f3 />"
                "<text x=%d y=%.1f text-anchor=end>%g</text>\n",
                LEFT + 1, y, LEFT + p->width - 1, y, LEFT - 5, y + 4, v);
    }
}

/* Steps within a power of ten, coarse to fine, as tenths. */
static const unsigned char STEPS[][10] = {{10, 0}, {10, 20, 50, 0}, {10, 15, 20, 30, 40, 50, 60, 80, 0}};

/* How many fall on the axis; with `draw` they are drawn. */
static int ticks(const plot *p, bool across, const unsigned char *steps, bool draw) {
    const plot_axis *a = across ? &p->x : &p->y;
    int first = (int)floor(log10(a->low)), last = (int)ceil(log10(a->high)), n = 0;
    for (int power = first; power <= last; power++) {
        for (const unsigned char *step = steps; *step; step++) {
            double v = *step * .1 * pow(10, power);
            if (is_inside(a, v)) {
                n++;
                if (draw) {
                    tick(p, across, v);
                }
            }
        }
    }
    return n;
}

static void grid_of(const plot *p, bool across) {
    const int enough = 3;
    size_t k = 0, last = sizeof STEPS / sizeof STEPS[0] - 1;
    while (k < last && ticks(p, across, STEPS[k], false) < enough) {
        k++;
    }
    (void)ticks(p, across, STEPS[k], true);
}

void plot_grid(const plot *p) {
    grid_of(p, true);
    grid_of(p, false);
}

void plot_line(const plot *p, double x0, double y0, double x1, double y1, const char *colour,
               const char *dash) {
    fprintf(p->file, "<line x1=%.1f y1=%.1f x2=%.1f y2=%.1f stroke='%s' stroke-dasharray='%s' />\n",
            plot_x(p, x0), plot_y(p, y0), plot_x(p, x1), plot_y(p, y1), colour,
            dash ? dash : "none");
}

void plot_dot(const plot *p, double x, double y, const char *colour, const char *name,
              const char *unit) {
    bool inside = is_inside(&p->x, x) && is_inside(&p->y, y);
    fprintf(p->file,
            "<circle cx=%.1f cy=%.1f r=3.5 stroke='%s' fill='%s' fill-opacity=.7><title>",
            plot_x(p, x), plot_y(p, y), colour, inside ? colour : "#fff");
    cli_html_text(p->file, name);
    fprintf(p->file, ": %.4g %s</title></circle>\n", y, unit);
}

void plot_text(const plot *p, double x, double y, const char *anchor, const char *text) {
    fprintf(p->file, "<text x=%.1f y=%.1f text-anchor=%s>", plot_x(p, x), plot_y(p, y) - 6,
            anchor);
    cli_html_text(p->file, text);
    fputs("</text>\n", p->file);
}
