/* Frames, logarithmic axes and marks of the report's plots, as inline SVG. */
#ifndef TG_CLI_PLOT_H
#define TG_CLI_PLOT_H

#include <stdbool.h>
#include <stdio.h>

/* What lies outside is drawn on the edge. */
typedef struct plot_axis {
    double low, high; /* both above 0 */
    const char *label;
} plot_axis;

typedef struct plot {
    FILE *file;
    int width, height; /* of the frame's inside, in pixels */
    plot_axis x, y;
} plot;

void cli_html_text(FILE *f, const char *text);

/* Title, frame, labels of both axes; the picture is left open. */
void plot_open(const plot *p, const char *title);
void plot_close(const plot *p);

/* Lines and numbers at powers of ten, and between them where these are few. */
void plot_grid(const plot *p);

/* A value in pixels of the picture. */
double plot_x(const plot *p, double v);
double plot_y(const plot *p, double v);

/* A straight line between two points, in values. `dash` is of SVG's stroke-dasharray, or null. */
void plot_line(const plot *p, double x0, double y0, double x1, double y1, const char *colour,
               const char *dash);
/* A dot, hollow where it lies outside; what a pointer on it shows. */
void plot_dot(const plot *p, double x, double y, const char *colour, const char *name,
              const char *unit);
/* Beside a point. `anchor` is of SVG's text-anchor. */
void plot_text(const plot *p, double x, double y, const char *anchor, const char *text);

#endif
