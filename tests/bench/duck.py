"""Five specs as DuckDB SQL: one query each, draws given as columns.

Each function reads the tables in `folder` and writes all examples to `out`, sorted by id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.bench.row_loop import ACRONYMS, KEPT, LABELS, PRIOR, UNCERTAIN, VIEW_ORDER

duckdb: Any = import_module("duckdb")  # of the extra `bench`, without types

MACROS = f"""
create macro unit(draw) as draw::double / 18446744073709551616.0;
create macro ticket_of(form, draw) as (draw % getvariable(form))::bigint;
create macro seconds(pairs) as list_transform(pairs, lambda pair: pair[2]);
create macro by_draw(draws, items) as seconds(list_sort(list_zip(draws, items)));
create macro mark(place, numbers) as '(' || case when numbers then place::varchar else chr(64 + place::integer) end || ')';
create macro block(options, numbers) as 'Options:\n' || array_to_string(
    list_transform(options, lambda option, place: mark(place, numbers) || ' ' || option), '\n');
create macro labels_by_draw(draws, of_labels) as seconds(list_sort(list_filter(
    list_zip(draws, {list(LABELS)}), lambda pair: list_contains(of_labels, pair[2]))));
create macro squeeze(text) as trim(regexp_replace(text, '\\s+', ' ', 'g'));
create macro shared(a, b) as greatest(least((a).x2, (b).x2) - greatest((a).x1, (b).x1), 0.0)
    * greatest(least((a).y2, (b).y2) - greatest((a).y1, (b).y1), 0.0);
create macro area(a) as ((a).x2 - (a).x1) * ((a).y2 - (a).y1);
create macro overlap(a, b) as shared(a, b) / (area(a) + area(b) - shared(a, b));
create macro whole(share) as floor(share * 100 + 0.5)::integer;
create macro part_of(part, drawn) as
    coalesce(part, case when unit(drawn) < 0.1 then 'val' when unit(drawn) < 0.2 then 'test' else 'train' end);
"""

EXAMPLE = """
select '{spec}/' || key as id, '{task}' as task, '{source}' as source, split, '{space}' as space, patient_id, study_id, images,
    sizes::struct(width bigint, height bigint)[] as sizes, turns, target,
    boxes::struct(image bigint, "label" varchar, x1 double, y1 double, x2 double, y2 double)[] as boxes,
    []::varchar[] as origin
from made order by id
"""

MIMIC = f"""
parts as (select subject_id, any_value(part) as part from official_split group by subject_id),
images as (
    select *, 'mimic_cxr/files/p' || left(subject_id::varchar, 2) || '/p' || subject_id || '/s' || study_id || '/'
        || dicom_id || '.jpg' as image,
        coalesce(list_position({list(VIEW_ORDER)}, "view"), 99) as rank
    from metadata),
studies as (
    select study_id, any_value(subject_id) as subject_id, list(image order by rank, dicom_id) as images
    from images group by study_id)
"""

WHO = "'mimic/' || subject_id as patient_id, 'mimic/' || study_id as study_id, [] as sizes, [] as boxes"

VIEW_CLASSIFICATION = f"""
with {MIMIC},
drawn as (
    select *, unit(coarse) < 0.5 as is_coarse,
        by_draw(options[1:if(is_coarse, 3, 4)], ['AP', 'PA', 'LATERAL', 'LL'][1:if(is_coarse, 3, 4)]) as shown,
        if(is_coarse and "view" = 'LL', 'LATERAL', "view") as seen
    from images join draws using (dicom_id) left join parts using (subject_id)
    where "view" in ('AP', 'PA', 'LATERAL', 'LL')),
made as (
    select dicom_id as key, part_of(part, otherwise) as split, {WHO}, [image] as images, to_json(seen)::varchar as target,
        [{{
            prompt: replace(text, '{{options}}', block(shown, false)),
            answer: if(contains(text, '{{options}}') and reply % 2 = 1, mark(list_position(shown, seen), false), seen),
            form: 'choose'
        }}] as turns
    from drawn join prompts on form = 'choose' and ticket = ticket_of('choose', prompt))
"""

SECTIONS = r"""list_filter(string_split(
    regexp_replace(report, '(?m)^[ \t]*([A-Z ()/,-]+):', chr(1) || '\1' || chr(2), 'g'), chr(1)),
    lambda section: squeeze(string_split(section, chr(2))[1]) in ('FINDINGS', 'FINDING') and contains(section, chr(2)))"""

FINDINGS_GENERATION = f"""
with {MIMIC},
found as (select study_id, squeeze(string_split({SECTIONS}[-1], chr(2))[2]) as findings from reports),
written as (
    select study_id, replace(replace(replace(replace(array_to_string(list_filter(string_split(findings, '. '),
        lambda sentence: not regexp_matches(lower(sentence), '{"|".join(PRIOR)}')), '. '),
        ' again', ''), 'again ', ''), ' new.', ' present.'), ' new ', ' ') as report
    from found where findings != ''),
made as (
    select study_id::varchar as key, part_of(part, otherwise) as split, {WHO}, images, to_json(report)::varchar as target,
        [{{prompt: text, answer: report, form: 'write'}}] as turns
    from written join studies using (study_id) join draws using (study_id) left join parts using (subject_id)
        join prompts on form = 'write' and ticket = ticket_of('write', prompt)
    where report != '')
"""

CHOSEN = ", ".join(
    f"list_append(labels_by_draw(list{n}, pool)[1:len(positives) - 1], anchors[{n + 1}]) as chosen{n}" for n in range(3)
)
DECOYS = ", ".join(f"labels_by_draw(order{n}, chosen{n})" for n in range(3))

IMAGE_CLASSIFICATION = f"""
with {MIMIC},
said as (
    select study_id, list_transform([{", ".join(f'"mentions.{label}"' for label in LABELS)}], lambda cell, place:
        if(cell = -1, {[UNCERTAIN.get(label, 2) for label in LABELS]}[place], coalesce(cell, 0))) as cells
    from labels),
sides as (
    select *, list_filter({list(LABELS)}, lambda label, place: cells[place] = 1) as positives,
        list_filter({list(LABELS)}, lambda label, place: cells[place] = 0) as negatives
    from said),
placed as (
    select *, part_of(part, otherwise) as split, split = 'train' and list_contains(positives, 'No Finding') as plain
    from sides join studies using (study_id) join draws using (study_id) left join parts using (subject_id)
    where len(positives) > 0),
kept as (
    select * from placed
    qualify not plain or row_number() over (partition by plain order by keep) <= {KEPT}),
drawn as (
    select *, labels_by_draw(others, negatives) as anchors,
        labels_by_draw(disease, if(unit(side) < 0.5 or len(negatives) = 0, positives, negatives))[1] as asked
    from kept),
pooled as (
    select *, list_concat(positives, anchors[4:]) as pool,
        if(list_bool_or(list_transform({list(ACRONYMS)}, lambda word: contains(asked, word))), asked, lower(asked)) as named
    from drawn),
chosen as (select *, {CHOSEN} from pooled),
listed as (
    select *, if(len(positives) <= 5 and len(negatives) >= 3, [
            labels_by_draw(truth, positives),
            {DECOYS}
        ], []) as label_sets
    from chosen),
printed as (
    select *, list_transform(label_sets, lambda one: lower(array_to_string(one, ', '))) as sets from listed),
ordered as (
    select *, by_draw(select_options, {list(LABELS)}) as shown, by_draw(which_options, sets) as sets_shown from printed),
made as (
    select study_id::varchar as key, split, {WHO}, images, to_json(positives)::varchar as target,
        list_filter([
            {{
                prompt: replace(s.text, '{{options}}', block(shown, select_marker % 2 = 1)),
                answer: array_to_string(list_filter(if(contains(s.text, '{{options}}'), shown, {list(LABELS)}),
                    lambda label: list_contains(positives, label)), ', '),
                form: 'select'
            }},
            if(len(sets) > 0, {{
                prompt: replace(w.text, '{{options}}', block(sets_shown, false)),
                answer: if(which_reply % 2 = 1, mark(list_position(sets_shown, sets[1]), false), sets[1]),
                form: 'which_set'
            }}, null),
            {{
                prompt: replace(replace(p.text, '{{options}}',
                    block(by_draw(presence_options, ['Yes', 'No']), false)), '{{named}}', named),
                answer: if(list_contains(positives, asked), 'Yes', 'No'),
                form: 'presence'
            }}
        ], lambda turn: turn is not null) as turns
    from ordered
        join prompts s on s.form = 'select' and s.ticket = ticket_of('select', "select")
        join prompts w on w.form = 'which_set' and w.ticket = ticket_of('which_set', which)
        join prompts p on p.form = 'presence' and p.ticket = ticket_of('presence', presence))
"""

ABNORMALITY_DETECTION = """
with recursive
marked as (
    select image_id, finding, row_number() over (order by x_min, y_min, x_max, y_max, coalesce(reader, ''), row) as place,
        {
            x1: greatest(least(x_min / width, 1.0), 0.0), y1: greatest(least(y_min / height, 1.0), 0.0),
            x2: greatest(least(x_max / width, 1.0), 0.0), y2: greatest(least(y_max / height, 1.0), 0.0)
        } as box
    from annotations join sizes using (image_id)
    where x_min is not null and y_min is not null and x_max is not null and y_max is not null),
led as (
    select *, 0 as round, first_value(box) over (partition by image_id, finding order by place) as leader from marked
    union all
    select image_id, finding, place, box, round + 1,
        first_value(box) over (partition by image_id, finding order by place)
    from led where overlap(leader, box) <= 0.1),
merged as (
    select image_id, finding, min(box.x1) as x1, min(box.y1) as y1, max(box.x2) as x2, max(box.y2) as y2
    from led where overlap(leader, box) > 0.1 group by image_id, finding, round),
regions as (
    select image_id, list({image: 0, "label": finding, x1: x1, y1: y1, x2: x2, y2: y2}
        order by x1, y1, x2, y2, finding) as found
    from merged group by image_id),
parts as (select image_id, any_value(part) as split from annotations group by image_id),
drawn as (
    select *, coalesce(found, []) as boxes, array_to_string(list_transform(boxes, lambda b:
        '<|ref|>' || b."label" || '<|/ref|><|box|>(' || whole(b.x1) || ',' || whole(b.y1) || '),('
        || whole(b.x2) || ',' || whole(b.y2) || ')<|/box|>'), ' ') as said
    from parts join sizes using (image_id) join draws using (image_id) left join regions using (image_id)),
made as (
    select image_id as key, split, null::varchar as patient_id, 'vindr_cxr/' || image_id as study_id,
        ['vindr_cxr/' || path] as images, if(said = '', [], [{width: width, height: height}]) as sizes, boxes,
        to_json(list_transform(boxes, lambda b:
            {"label": b."label", x1: b.x1, y1: b.y1, x2: b.x2, y2: b.y2}))::varchar as target,
        [{prompt: p.text, answer: if(said = '', e.text, said), form: 'detect'}] as turns
    from drawn
        join prompts p on p.form = 'detect' and p.ticket = ticket_of('detect', prompt)
        join prompts e on e.form = 'detect:empty' and e.ticket = ticket_of('detect:empty', empty))
"""

CLOSE_ENDED_VQA = """
with asked as (
    select *, len(answers) > 1 as several, if(several, 'several', 'one') as asks,
        if(several, several_prompt, one_prompt) as drawn, if(several, several_reply, one_reply) as reply,
        if(several, answers, answers[1:1]) as correct, several and several_marker % 2 = 1 or len(options) > 26 as numbers,
        if(len(history) = 0, question, array_to_string(list_transform(history, lambda said:
            'Q: ' || said.question || ' A: ' || array_to_string(said.answers, ', ')), '\n') || '\nQ: ' || question) as whole
    from entries join frontal using (n) join draws using (n, position)
    where len(entries.options) >= 2 and answer_type != 'multi_choice'),
shown as (select *, by_draw(if(several, several_options, one_options), options) as listed from asked),
marked as (
    select *, list_transform(listed, lambda option, place: if(reply % 2 = 1, mark(place, numbers), option)) as names
    from shown),
made as (
    select n || '/' || position as key, part as split, null::varchar as patient_id, 'openi/' || n as study_id,
        list_transform(image_ids, lambda image: 'openi/' || image || '.png') as images, [] as sizes, [] as boxes,
        if(several, to_json(list_filter(options, lambda option: list_contains(correct, option))),
            to_json(correct[1]))::varchar as target,
        [{
            prompt: replace(replace(text, '{options}', block(listed, numbers)), '{question}', whole),
            answer: array_to_string(list_filter(names, lambda name, place: list_contains(correct, listed[place])), ', '),
            form: asks
        }] as turns
    from marked join prompts on form = asks
        and ticket = if(several, ticket_of('several', drawn), ticket_of('one', drawn)))
"""


def build(spec: str, query: str, folder: Path, out: Path) -> None:
    """Run a query whose last relation is `made`, over the tables in `folder`."""
    task, source = spec.split("/")
    space = {"mimic_cxr": "mimic", "rad_restruct": "openi"}.get(source, source)
    with duckdb.connect() as connection:
        for path in folder.glob("*.parquet"):
            connection.execute(f"create view {path.stem} as from read_parquet('{path}')")
        for form, tickets in connection.execute("select form, count(*)::ubigint from prompts group by form").fetchall():
            connection.execute(f'set variable "{form}" = {tickets}::ubigint')
        connection.execute(MACROS)
        example = EXAMPLE.format(spec=spec, task=task, source=source, space=space)
        connection.execute(
            f"copy ({query} {example}) to '{out}' (format parquet, compression zstd, compression_level 1)"
        )


QUERIES: Mapping[str, str] = {
    "view_classification/mimic_cxr": VIEW_CLASSIFICATION,
    "image_classification/mimic_cxr": IMAGE_CLASSIFICATION,
    "findings_generation/mimic_cxr": FINDINGS_GENERATION,
    "abnormality_detection/vindr_cxr": ABNORMALITY_DETECTION,
    "close_ended_vqa/rad_restruct": CLOSE_ENDED_VQA,
}
BUILD: Mapping[str, Callable[[Path, Path], None]] = {
    spec: partial(build, spec, query) for spec, query in QUERIES.items()
}
