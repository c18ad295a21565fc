# Stand-ins for the images of docker-compose.yaml, one a target, on a Debian that debootstrap made. The folder that it is
# built in has this machine's Envoy and certificates.
ARG BASE
FROM ${BASE} AS envoy
COPY envoy /usr/local/bin/envoy

FROM ${BASE} AS python
RUN ln -s python3 /usr/bin/python && rm /usr/lib/python3*/EXTERNALLY-MANAGED
COPY certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_ROOT_USER_ACTION=ignore

FROM ${BASE} AS postgres
ENV PGDATA=/var/lib/postgresql/data
RUN install --directory --owner=postgres --mode=0700 "$PGDATA" && chmod 3777 /var/run/postgresql && ln -sf /usr/lib/postgresql/*/bin/* /usr/bin/
COPY postgres.sh /
ENTRYPOINT ["sh", "/postgres.sh"]

FROM ${BASE} AS redis

FROM ${BASE} AS prometheus
RUN install --directory --owner=nobody /prometheus
ENTRYPOINT ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
