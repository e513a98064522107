-- The rankings of an account's posts.

create index top_posts_vN_by_er_views
    on top_posts_vN (account_id, er_views desc, post) include (views)
    where er_views is not null;

create index top_posts_vN_by_views
    on top_posts_vN (account_id, views desc, post)
    where views is not null;

analyze top_posts_vN;
analyze top_posts_vN_history;
